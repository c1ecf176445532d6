package gctune

import (
	"bytes"
	"io"
	"io/fs"
	"strconv"
)

// files reads small files of the kernel's, again and again, into one buffer. It
// belongs to one goroutine.
type files struct {
	root   fs.FS
	buffer []byte
}

// mostFileBytes bounds a file: mountinfo has a line for each mount of the machine.
const mostFileBytes = 4 << 20

// read returns a file's text, which is valid until the next read.
func (f *files) read(name string) ([]byte, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if f.buffer == nil {
		f.buffer = make([]byte, 16<<10)
	}
	for n := 0; ; {
		if n == len(f.buffer) {
			if n >= mostFileBytes {
				return nil, fs.ErrInvalid
			}
			f.buffer = append(f.buffer, make([]byte, n)...)
		}
		more, err := file.Read(f.buffer[n:])
		n += more
		if err == io.EOF {
			return f.buffer[:n], nil
		} else if err != nil {
			return nil, err
		}
	}
}

// number reads a file with one number; "max" is unlimited.
func (f *files) number(name string) (int64, error) {
	text, err := f.read(name)
	if err != nil {
		return 0, err
	}
	text = bytes.TrimSpace(text)
	if string(text) == "max" {
		return unlimited, nil
	}
	n, err := strconv.ParseUint(string(text), 10, 63)
	return int64(n), err
}

// word returns the number in the line that begins with a word, which a colon may
// end; a unit behind it is the caller's to know.
func word(text []byte, name string) (int64, bool) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(name))
		if !ok || len(rest) == 0 || rest[0] != ' ' && rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest, ": ")
		end := bytes.IndexAny(rest, " \n")
		if end < 0 {
			end = len(rest)
		}
		n, err := strconv.ParseUint(string(rest[:end]), 10, 63)
		return int64(n), err == nil
	}
	return 0, false
}
