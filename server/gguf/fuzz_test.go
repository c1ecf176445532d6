package gguf

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"runtime"
	"testing"
)

// FuzzRead feeds Read damaged files: it must not panic, must not take memory
// out of proportion, and what it accepts must survive being written again.
func FuzzRead(f *testing.F) {
	path, _ := writeSample(f, everyType)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Add(edit(good, 4, 2))
	f.Add(edit(good, 8, 255, 255, 255))
	f.Add(dataOf(Tensor{Name: "a", Type: 14, Shape: []uint64{256, 3}, OffsetBytes: 32}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		file, err := Read(bytes.NewReader(data), int64(len(data)), DefaultLimits())
		runtime.ReadMemStats(&after)
		// The buffer, and for each byte at most a few of Go's headers.
		if taken := after.TotalAlloc - before.TotalAlloc; taken > uint64(1<<20+64*len(data)) {
			t.Errorf("reading %d bytes took %d bytes of memory", len(data), taken)
		}
		if err != nil {
			return
		}
		header, _, err := encodeHeader(file.Metadata, file.Tensors)
		if err != nil {
			return // a type newer than this package, or tensors that share their place
		}
		again, err := Read(endless{header}, math.MaxInt64, DefaultLimits())
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if len(again.Metadata) != len(file.Metadata) || !sameNames(again.Tensors, file.Tensors) {
			t.Errorf("read %v, then %v", file, again)
		}
	})
}

// endless is data with zeros after it.
type endless struct{ data []byte }

func (e endless) ReadAt(p []byte, offset int64) (int, error) {
	clear(p)
	if offset < int64(len(e.data)) {
		copy(p, e.data[offset:])
	}
	return len(p), nil
}

func sameNames(a, b []Tensor) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Type != b[i].Type || !reflect.DeepEqual(a[i].Shape, b[i].Shape) {
			return false
		}
	}
	return true
}
