package gguf

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// File is what a GGUF file says before its tensor data.
type File struct {
	Version  uint32
	Metadata Metadata
	Tensors  []Tensor
	// AlignmentBytes is what tensor offsets are multiples of.
	AlignmentBytes uint64
	// DataOffsetBytes is where the tensor data begins, from the file's start.
	DataOffsetBytes int64
}

// Open reads the header of the file at path and closes it again. See [Read].
func Open(path string) (*File, error) {
	file, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: open %s: %w", path, err)
	}
	return file, nil
}

// Check reports what would keep the file at path from being loaded: it opens
// the file, reads the header, and compares the size with what the tensors
// need. The error says what to do; it wraps [ErrNotGGUF], [ErrVersion],
// [ErrBigEndian], [ErrTruncated], [ErrMalformed] or the operating system's.
func Check(path string) error {
	if _, err := read(path); err != nil {
		return fmt.Errorf("gguf: check %s: %w", path, err)
	}
	return nil
}

// read opens a file and reads its header under the default limits.
func read(path string) (*File, error) {
	disk, sizeBytes, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer disk.Close()
	return Read(disk, sizeBytes, DefaultLimits())
}

// Read reads the header of a file of sizeBytes and checks that the tensors lie
// within it. It takes memory in proportion to the header, at most a few times
// its size, and never reads tensor data.
func Read(source io.ReaderAt, sizeBytes int64, limits Limits) (*File, error) {
	if err := checkMagic(source, sizeBytes); err != nil {
		return nil, err
	}
	d := newDecoder(source, sizeBytes, limits)
	file := &File{Version: d.uint32()}
	if d.err == nil {
		d.err = checkVersion(file.Version)
	}
	tensors := d.count("tensors", limits.Tensors, 24)
	entries := d.count("metadata entries", limits.Entries, 13)
	for range entries {
		if d.err != nil {
			return nil, d.err
		}
		d.part = "a metadata key"
		key := d.text(limits.NameBytes)
		d.part = fmt.Sprintf("metadata %q", key)
		file.Metadata = append(file.Metadata, KV{key, d.value()})
	}
	for range tensors {
		if d.err != nil {
			return nil, d.err
		}
		file.Tensors = append(file.Tensors, d.tensor())
	}
	if d.err != nil {
		return nil, d.err
	}
	return file, file.place(d.offsetBytes, sizeBytes)
}

// checkMagic looks at the first bytes and names what is often there instead.
func checkMagic(source io.ReaderAt, sizeBytes int64) error {
	start := make([]byte, min(64, max(sizeBytes, 0)))
	if n, err := source.ReadAt(start, 0); n < len(start) {
		return fmt.Errorf("read the first bytes: %w", err)
	}
	switch {
	case bytes.HasPrefix(start, []byte(magic)):
		return nil
	case len(start) == 0:
		return &fileError{ErrNotGGUF, "it is empty"}
	case bytes.HasPrefix(start, []byte("version https://git-lfs")):
		return &fileError{ErrNotGGUF, "it is a Git LFS pointer, which `git lfs pull` turns into the file"}
	case bytes.HasPrefix(bytes.TrimSpace(start), []byte("<")):
		return &fileError{ErrNotGGUF, "it looks like a web page that was saved instead of the model"}
	}
	return &fileError{ErrNotGGUF, fmt.Sprintf("it begins with %q, not %q", start[:min(4, len(start))], magic)}
}

// checkVersion accepts 2 and 3, whose layouts are the same.
func checkVersion(version uint32) error {
	switch {
	case version == 2 || version == 3:
		return nil
	case version&0xffff == 0 && version != 0: // a small number, read from the wrong end
		return &fileError{kind: ErrBigEndian}
	}
	return &fileError{ErrVersion, fmt.Sprintf("it is version %d, and 2 and 3 are read", version)}
}

// place computes where the data begins and checks every tensor against the
// size of the file.
func (f *File) place(headerBytes, sizeBytes int64) error {
	alignment, err := alignmentOf(f.Metadata)
	if err != nil {
		return malformed("%v", err)
	}
	f.AlignmentBytes = alignment
	f.DataOffsetBytes = headerBytes + int64(-uint64(headerBytes)&(alignment-1))
	needBytes := uint64(headerBytes)
	names := make(map[string]bool, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if names[t.Name] {
			return malformed("two tensors are named %q", t.Name)
		}
		names[t.Name] = true
		if t.OffsetBytes%alignment != 0 {
			return malformed("tensor %q is at offset %d, no multiple of %d", t.Name, t.OffsetBytes, alignment)
		}
		size := uint64(0) // of a type newer than this package: only its start can be checked
		if t.Type.Known() {
			if size, err = t.SizeBytes(); err != nil {
				return malformed("%v", err)
			}
		}
		if t.OffsetBytes > math.MaxInt64-uint64(f.DataOffsetBytes) ||
			size > math.MaxInt64-uint64(f.DataOffsetBytes)-t.OffsetBytes {
			return malformed("tensor %q lies beyond any file: offset %d, size %d", t.Name, t.OffsetBytes, size)
		}
		needBytes = max(needBytes, uint64(f.DataOffsetBytes)+t.OffsetBytes+size)
	}
	if needBytes > uint64(sizeBytes) {
		return truncated("", needBytes, uint64(sizeBytes))
	}
	return nil
}

// tensor reads one line of the tensor table.
func (d *decoder) tensor() Tensor {
	d.part = "a tensor's name"
	t := Tensor{Name: d.text(d.limits.NameBytes)}
	d.part = fmt.Sprintf("tensor %q", t.Name)
	dimensions := d.uint32()
	if d.err == nil && (dimensions == 0 || dimensions > MaxDimensions) {
		d.err = malformed("%s has %d dimensions, not 1 to %d", d.part, dimensions, MaxDimensions)
	}
	for i := uint32(0); i < dimensions && d.err == nil; i++ {
		n := d.uint64()
		if d.err == nil && n == 0 {
			d.err = malformed("%s has an empty dimension", d.part)
		}
		t.Shape = append(t.Shape, n)
	}
	t.Type = TensorType(d.uint32())
	t.OffsetBytes = d.uint64()
	return t
}
