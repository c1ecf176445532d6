package gguf

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// OpenFile opens the file at path for reading and returns it with its size.
// Only a regular file is one: whatever else has the name (a directory, a
// device, a pipe without a writer, a socket) is refused at once, with
// [ErrNotGGUF]. The error does not name the path.
func OpenFile(path string) (file *os.File, sizeBytes int64, err error) {
	// Without O_NONBLOCK, open waits for ever for a pipe's writer.
	file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, 0, withoutPath(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fileError{ErrNotGGUF, "it is a " + kindOfFile(info.Mode())}
	}
	if err != nil {
		file.Close()
		return nil, 0, withoutPath(err)
	}
	return file, info.Size(), nil
}

// withoutPath strips the path from an error of package os: callers name it.
func withoutPath(err error) error {
	var pathError *os.PathError
	if !errors.As(err, &pathError) {
		return err
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w; check the path, or make a model with `make models`", pathError.Err)
	case errors.Is(err, syscall.ENXIO): // what open says of a socket
		return &fileError{ErrNotGGUF, "it is a socket or a device that is not there"}
	}
	return fmt.Errorf("%w; check the file's permissions", pathError.Err)
}

func kindOfFile(mode os.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&os.ModeNamedPipe != 0:
		return "pipe"
	}
	return "device"
}
