package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	magic            = "GGUF"
	writtenVersion   = 3
	defaultAlignment = 32
	alignmentKey     = "general.alignment"
	maxDataBytes     = 1 << 60 // of all tensors; a sum of two still fits an int64
)

// Writer streams tensor data into a new file. It is an [io.Writer]; it belongs
// to one goroutine.
type Writer struct {
	path    string
	file    *os.File
	buffer  *bufio.Writer
	spans   []span
	current int    // span being written
	done    uint64 // bytes of the current span written
	closed  bool
}

// span is the place of one tensor's data: its bytes and the padding after it.
type span struct {
	sizeBytes, paddingBytes uint64
}

var padding [4096]byte

// Create starts a GGUF file of version 3 that will appear at path on Commit.
// Until then the data is in a temporary file beside it. Tensor offsets are
// computed here and stored into tensors; alignment is what the metadata says
// under "general.alignment" (a power of two up to 4096), else 32. The caller
// writes the data of all tensors in order, then calls Commit; on any failure,
// Close.
func Create(path string, metadata Metadata, tensors []Tensor) (*Writer, error) {
	header, spans, err := encodeHeader(metadata, tensors)
	if err != nil {
		return nil, fmt.Errorf("gguf: create %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("gguf: create %s: %w", path, err)
	}
	w := &Writer{path: path, file: file, buffer: bufio.NewWriterSize(file, 1<<20), spans: spans}
	if _, err := w.buffer.Write(header); err != nil {
		return nil, errors.Join(fmt.Errorf("gguf: create %s: %w", path, err), w.Close())
	}
	return w, nil
}

// Write appends tensor data. One call may cross from one tensor into the next;
// padding goes in by itself. Data beyond the last tensor is an error.
func (w *Writer) Write(p []byte) (n int, err error) {
	if w.closed {
		return 0, fmt.Errorf("gguf: write %s: %w", w.path, os.ErrClosed)
	}
	for {
		if err := w.nextSpan(); err != nil {
			return n, fmt.Errorf("gguf: write %s: %w", w.path, err)
		}
		if n == len(p) {
			return n, nil
		}
		if w.current == len(w.spans) {
			return n, fmt.Errorf("gguf: write %s: %d bytes more than the tensors hold", w.path, len(p)-n)
		}
		piece := p[n:]
		if left := w.spans[w.current].sizeBytes - w.done; uint64(len(piece)) > left {
			piece = piece[:left]
		}
		written, err := w.buffer.Write(piece)
		n += written
		w.done += uint64(written)
		if err != nil {
			return n, fmt.Errorf("gguf: write %s: %w", w.path, err)
		}
	}
}

// nextSpan pads and steps over the spans that are complete.
func (w *Writer) nextSpan() error {
	for w.current < len(w.spans) && w.done == w.spans[w.current].sizeBytes {
		if _, err := w.buffer.Write(padding[:w.spans[w.current].paddingBytes]); err != nil {
			return err
		}
		w.current++
		w.done = 0
	}
	return nil
}

// Commit checks that every tensor is complete, makes the file durable and puts
// it in its place, over any older one. The writer is closed either way.
func (w *Writer) Commit() error {
	if w.closed {
		return fmt.Errorf("gguf: commit %s: %w", w.path, os.ErrClosed)
	}
	err := w.nextSpan()
	if err == nil && w.current < len(w.spans) {
		err = fmt.Errorf("tensor %d of %d has %d of %d bytes",
			w.current+1, len(w.spans), w.done, w.spans[w.current].sizeBytes)
	}
	if err == nil {
		err = w.buffer.Flush()
	}
	if err == nil {
		err = w.file.Chmod(0o644) // CreateTemp makes files that only the owner reads
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = os.Rename(w.file.Name(), w.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("gguf: commit %s: %w", w.path, err), w.Close())
	}
	w.closed = true
	return w.file.Close()
}

// Close drops what was not committed. It does nothing after Commit.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}

// encodeHeader returns everything before the tensor data, padded, and the
// tensors' places. It stores the offsets into tensors.
func encodeHeader(metadata Metadata, tensors []Tensor) (header []byte, spans []span, err error) {
	alignment, err := alignmentOf(metadata)
	if err != nil {
		return nil, nil, err
	}
	header = append(header, magic...)
	header = binary.LittleEndian.AppendUint32(header, writtenVersion)
	header = binary.LittleEndian.AppendUint64(header, uint64(len(tensors)))
	header = binary.LittleEndian.AppendUint64(header, uint64(len(metadata)))
	for _, entry := range metadata {
		header = appendText(header, entry.Key)
		if header, err = appendTyped(header, entry.Value); err != nil {
			return nil, nil, fmt.Errorf("metadata %q: %w", entry.Key, err)
		}
	}
	offset := uint64(0)
	for i := range tensors {
		t := &tensors[i]
		size, err := t.SizeBytes()
		if err != nil {
			return nil, nil, err
		}
		if len(t.Shape) == 0 || len(t.Shape) > MaxDimensions {
			return nil, nil, fmt.Errorf("tensor %q has %d dimensions, not 1 to %d", t.Name, len(t.Shape), MaxDimensions)
		}
		t.OffsetBytes = offset
		header = appendText(header, t.Name)
		header = binary.LittleEndian.AppendUint32(header, uint32(len(t.Shape)))
		for _, n := range t.Shape {
			header = binary.LittleEndian.AppendUint64(header, n)
		}
		header = binary.LittleEndian.AppendUint32(header, uint32(t.Type))
		header = binary.LittleEndian.AppendUint64(header, t.OffsetBytes)
		pad := -size & (alignment - 1)
		spans = append(spans, span{size, pad})
		if offset += size + pad; offset > maxDataBytes {
			return nil, nil, fmt.Errorf("tensor %q ends beyond the largest file", t.Name)
		}
	}
	return append(header, padding[:-uint64(len(header))&(alignment-1)]...), spans, nil
}

// alignmentOf returns the alignment of tensor data that the metadata asks for.
func alignmentOf(metadata Metadata) (uint64, error) {
	stored, ok := metadata.Get(alignmentKey)
	if !ok {
		return defaultAlignment, nil
	}
	alignment, ok := stored.(uint32)
	if !ok || alignment == 0 || alignment&(alignment-1) != 0 || alignment > uint32(len(padding)) {
		return 0, fmt.Errorf("%s is %v, not a uint32 power of two up to %d", alignmentKey, stored, len(padding))
	}
	return uint64(alignment), nil
}

func appendText(dst []byte, text string) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(text)))
	return append(dst, text...)
}

// appendTyped appends a value after the code of its type.
func appendTyped(dst []byte, value any) ([]byte, error) {
	t, element, err := typeOf(value)
	if err != nil {
		return nil, err
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t))
	if t == typeArray {
		return appendArray(dst, value, element)
	}
	return appendScalar(dst, value)
}

// appendArray appends an array's element type, length and elements.
func appendArray(dst []byte, value any, element valueType) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(element))
	switch values := value.(type) {
	case []string:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(len(values)))
		for _, text := range values {
			dst = appendText(dst, text)
		}
		return dst, nil
	case []any:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(len(values)))
		for _, inner := range values {
			t, innerElement, err := typeOf(inner)
			if err != nil {
				return nil, err
			}
			if t != typeArray {
				return nil, fmt.Errorf("an array of arrays holds a Go %T", inner)
			}
			if dst, err = appendArray(dst, inner, innerElement); err != nil {
				return nil, err
			}
		}
		return dst, nil
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(binary.Size(value))/uint64(element.minBytes()))
	return binary.Append(dst, binary.LittleEndian, value)
}

func appendScalar(dst []byte, value any) ([]byte, error) {
	if text, ok := value.(string); ok {
		return appendText(dst, text), nil
	}
	return binary.Append(dst, binary.LittleEndian, value)
}
