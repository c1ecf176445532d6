package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// decoder reads a header from front to back. The first error sticks; reads
// after it return zero values.
type decoder struct {
	buffer      *bufio.Reader
	limits      Limits
	offsetBytes int64  // read so far
	sizeBytes   int64  // of the file
	part        string // being read, for errors
	depth       int    // arrays open
	err         error
	scratch     [8]byte
}

func newDecoder(source io.ReaderAt, sizeBytes int64, limits Limits) *decoder {
	start := int64(len(magic))
	return &decoder{
		buffer:      bufio.NewReaderSize(io.NewSectionReader(source, start, sizeBytes-start), 1<<16),
		limits:      limits,
		offsetBytes: start,
		sizeBytes:   sizeBytes,
		part:        "the header",
	}
}

// fill reads exactly len(p) bytes.
func (d *decoder) fill(p []byte) {
	if d.err != nil || !d.has(uint64(len(p))) {
		return
	}
	n, err := io.ReadFull(d.buffer, p)
	d.offsetBytes += int64(n)
	if err != nil {
		d.err = fmt.Errorf("read %s at byte %d: %w", d.part, d.offsetBytes, err)
	}
}

// has checks that the file and the limit leave n bytes.
func (d *decoder) has(n uint64) bool {
	left := uint64(d.sizeBytes - d.offsetBytes)
	allowed := uint64(max(d.limits.HeaderBytes-d.offsetBytes, 0))
	switch {
	case d.err != nil:
	case n > allowed:
		d.err = malformed("%s at byte %d takes %d bytes, past the limit of %d for a header",
			d.part, d.offsetBytes, n, d.limits.HeaderBytes)
	case n > left:
		d.err = truncated("at least ", uint64(d.offsetBytes)+n, uint64(d.sizeBytes))
	}
	return d.err == nil
}

func (d *decoder) uint32() uint32 {
	d.fill(d.scratch[:4])
	if d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(d.scratch[:4])
}

func (d *decoder) uint64() uint64 {
	d.fill(d.scratch[:8])
	if d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(d.scratch[:8])
}

// count reads a number of things that take at least minBytes each, and refuses
// one that the limit or the rest of the file rule out.
func (d *decoder) count(things string, limit uint64, minBytes int64) uint64 {
	n := d.uint64()
	if d.err == nil && n > limit {
		d.err = malformed("%s claims %d %s, and at most %d are read", d.part, n, things, limit)
	}
	if d.err != nil || !d.has(n*uint64(minBytes)) {
		return 0
	}
	return n
}

// text reads a length and that many bytes.
func (d *decoder) text(limitBytes uint64) string {
	p := make([]byte, d.count("bytes of text", limitBytes, 1))
	d.fill(p)
	return string(p)
}

// value reads a type and a value of it.
func (d *decoder) value() any {
	t := valueType(d.uint32())
	if d.err != nil {
		return nil
	}
	switch t {
	case typeUint8:
		return scalar[uint8](d)
	case typeInt8:
		return scalar[int8](d)
	case typeUint16:
		return scalar[uint16](d)
	case typeInt16:
		return scalar[int16](d)
	case typeUint32:
		return scalar[uint32](d)
	case typeInt32:
		return scalar[int32](d)
	case typeUint64:
		return scalar[uint64](d)
	case typeInt64:
		return scalar[int64](d)
	case typeFloat32:
		return scalar[float32](d)
	case typeFloat64:
		return scalar[float64](d)
	case typeBool:
		return scalar[uint8](d) != 0
	case typeString:
		return d.text(d.limits.TextBytes)
	case typeArray:
		return d.array()
	}
	d.err = malformed("%s has unknown type %d", d.part, t)
	return nil
}

// array reads an element type, a length and the elements.
func (d *decoder) array() any {
	t := valueType(d.uint32())
	if d.err == nil && t.minBytes() == 0 {
		d.err = malformed("%s is an array of unknown type %d", d.part, t)
	}
	n := d.count("elements", d.limits.ArrayElements, t.minBytes())
	if d.err != nil {
		return nil
	}
	switch t {
	case typeUint8:
		return array[uint8](d, n)
	case typeInt8:
		return array[int8](d, n)
	case typeUint16:
		return array[uint16](d, n)
	case typeInt16:
		return array[int16](d, n)
	case typeUint32:
		return array[uint32](d, n)
	case typeInt32:
		return array[int32](d, n)
	case typeUint64:
		return array[uint64](d, n)
	case typeInt64:
		return array[int64](d, n)
	case typeFloat32:
		return array[float32](d, n)
	case typeFloat64:
		return array[float64](d, n)
	case typeBool:
		values := make([]bool, n)
		for i, b := range array[uint8](d, n) {
			values[i] = b != 0
		}
		return values
	case typeString:
		values := make([]string, 0, n)
		for uint64(len(values)) < n && d.err == nil {
			values = append(values, d.text(d.limits.TextBytes))
		}
		return values
	}
	return d.arrays(n)
}

// arrays reads the elements of an array of arrays.
func (d *decoder) arrays(n uint64) []any {
	if d.depth++; d.depth >= d.limits.ArrayDepth {
		d.err = malformed("%s nests arrays more than %d deep", d.part, d.limits.ArrayDepth)
	}
	var values []any
	for uint64(len(values)) < n && d.err == nil {
		values = append(values, d.array())
	}
	d.depth--
	return values
}

// number is a fixed-size number as the file holds it.
type number interface {
	uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64 | float32 | float64
}

func scalar[T number](d *decoder) T {
	var value T
	p := d.scratch[:binary.Size(value)]
	d.fill(p)
	if d.err == nil {
		_, d.err = binary.Decode(p, binary.LittleEndian, &value)
	}
	return value
}

// array reads n numbers; count has checked that the file has them.
func array[T number](d *decoder, n uint64) []T {
	var value T
	p := make([]byte, n*uint64(binary.Size(value)))
	d.fill(p)
	values := make([]T, n)
	if d.err == nil && n > 0 {
		_, d.err = binary.Decode(p, binary.LittleEndian, values)
	}
	return values
}
