package slotfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/engine"
)

// Dir is the directory of slots' files. Its methods may be called from any
// goroutine.
type Dir struct{ root *os.Root }

// Open opens a directory that is there.
func Open(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("slotfile: open directory: %w", err)
	}
	return &Dir{root}, nil
}

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

// beingWritten begins the names of files that are not whole yet; no slot's has it.
const beingWritten = ".weir-"

// Write writes a file, instead of one of that name, and returns how many bytes it
// has. What is wrong with the name is an *Error.
func (d *Dir) Write(name, identity string, tokens []engine.Token, state []byte) (bytes int64, err error) {
	if err := CheckName(name); err != nil {
		return 0, err
	}
	if info, err := d.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return 0, refuse("%s is no file", name)
	}
	temporary := beingWritten + rand.Text() + "-" + name
	f, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("slotfile: create: %w", err)
	}
	bytes, err = Encode(f, identity, tokens, state)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.root.Rename(temporary, name)
	}
	if err != nil {
		return 0, fmt.Errorf("slotfile: write: %w", errors.Join(err, d.root.Remove(temporary)))
	}
	return bytes, d.sync()
}

// sync has the directory's entries written.
func (d *Dir) sync() error {
	f, err := d.root.Open(".")
	if err != nil {
		return fmt.Errorf("slotfile: open directory: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("slotfile: sync directory: %w", err)
	}
	return nil
}

// Read reads a file. One that is not there, or not what is expected, is an *Error.
func (d *Dir) Read(name string, want Expect) (*Slot, error) {
	f, size, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Decode(f, size, want)
}

// open opens a file to read, and returns how many bytes it has.
func (d *Dir) open(name string) (f *os.File, size int64, err error) {
	if err := CheckName(name); err != nil {
		return nil, 0, err
	}
	// Without O_NONBLOCK a pipe would not come back from being opened.
	f, err = d.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, refuse("there is no file %s", name)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("slotfile: open: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("slotfile: open: %w", err)
	case !info.Mode().IsRegular():
		err = refuse("%s is no file", name)
	default:
		return f, info.Size(), nil
	}
	f.Close()
	return nil, 0, err
}
