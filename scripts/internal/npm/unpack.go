package npm

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// Selection is which files of an archive are wanted, and what they may come to.
type Selection struct {
	// Destination returns the name and mode that an entry such as
	// "package/package.json" is unpacked with, "" for one that is not wanted.
	Destination func(entry string) (name string, mode os.FileMode)

	Files               int
	FileBytes, AllBytes int64
}

// unpack writes the selected files of a gzipped tar archive to dir. Names never
// carry a path, so nothing lands outside of it.
func unpack(r io.Reader, dir string, s Selection) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	files, left := 0, s.AllBytes
	for entries := tar.NewReader(unzipped); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name, mode := s.Destination(header.Name)
		if name == "" {
			continue
		}
		files++
		switch {
		case header.Typeflag != tar.TypeReg:
			return fmt.Errorf("%s is not a plain file", header.Name)
		case files > s.Files:
			return fmt.Errorf("more than %d files", s.Files)
		case header.Size > s.FileBytes || header.Size > left:
			return fmt.Errorf("%s of %d bytes is too large", header.Name, header.Size)
		}
		left -= header.Size
		if err := writeFile(root, name, mode, entries); err != nil {
			return err
		}
	}
	if files == 0 {
		return errors.New("it has none of the files that are wanted")
	}
	return nil
}

func writeFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
