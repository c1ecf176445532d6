package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// everyType has one entry of each type a file can hold.
var everyType = Metadata{
	{"general.architecture", "llama"},
	{"u8", uint8(200)}, {"i8", int8(-100)},
	{"u16", uint16(60000)}, {"i16", int16(-30000)},
	{"u32", uint32(4e9)}, {"i32", int32(-2e9)},
	{"u64", uint64(math.MaxUint64)}, {"i64", int64(math.MinInt64)},
	{"f32", float32(1.5)}, {"f64", math.Pi},
	{"yes", true}, {"no", false},
	{"text", "naïve\x00text"}, {"empty", ""},
	{"u8s", []uint8{1, 2}}, {"i8s", []int8{-1, 2}},
	{"u16s", []uint16{1, 65535}}, {"i16s", []int16{-1}},
	{"u32s", []uint32{7}}, {"i32s", []int32{-7, 7}},
	{"u64s", []uint64{1 << 63}}, {"i64s", []int64{-1}},
	{"f32s", []float32{0.25}}, {"f64s", []float64{-0.125}},
	{"bools", []bool{true, false, true}},
	{"texts", []string{"a", "", "ccc"}},
	{"nested", []any{[]int32{1, 2}, []string{"x"}, []int32{}}},
	{"none", []uint32{}},
}

// sampleTensors have sizes that need padding, and one that does not.
func sampleTensors() []Tensor {
	return []Tensor{
		{Name: "a", Type: F32, Shape: []uint64{3, 5}},
		{Name: "b", Type: F16, Shape: []uint64{16}},
		{Name: "c", Type: 8, Shape: []uint64{64, 2, 1, 3}},
	}
}

// writeSample writes a whole file and returns its path and tensor data.
func writeSample(t testing.TB, metadata Metadata) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sample.gguf")
	tensors := sampleTensors()
	w, err := Create(path, metadata, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tensors {
		size, err := tensors[i].SizeBytes()
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, bytes.Repeat([]byte{byte(i + 1)}, int(size))...)
	}
	// Pieces of 7 bytes cross from tensor to tensor.
	for rest := data; len(rest) > 0; {
		n, err := w.Write(rest[:min(7, len(rest))])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func TestRoundTrip(t *testing.T) {
	for _, alignment := range []uint32{0, 8, 32, 4096} {
		metadata := everyType
		if alignment != 0 {
			metadata = append(metadata[:len(metadata):len(metadata)], KV{alignmentKey, alignment})
		}
		path, data := writeSample(t, metadata)
		file, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(file.Metadata, metadata) {
			t.Errorf("alignment %d: metadata came back as\n%v, not\n%v", alignment, file.Metadata, metadata)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range sampleTensors() {
			got := file.Tensors[i]
			size, _ := got.SizeBytes()
			at := uint64(file.DataOffsetBytes) + got.OffsetBytes
			if got.Name != want.Name || got.Type != want.Type || !reflect.DeepEqual(got.Shape, want.Shape) {
				t.Errorf("tensor %v came back as %v", want, got)
			}
			if !bytes.Equal(whole[at:at+size], data[:size]) || at%file.AlignmentBytes != 0 {
				t.Errorf("alignment %d: the data of %s is not at %d", alignment, got.Name, at)
			}
			data = data[size:]
		}
	}
}

func TestMetadataAccess(t *testing.T) {
	if got := everyType.Text("text"); got != "naïve\x00text" {
		t.Errorf("Text = %q", got)
	}
	for key, want := range map[string]uint64{"u8": 200, "u16": 60000, "u32": 4e9, "u64": math.MaxUint64} {
		if got, ok := everyType.Uint(key); !ok || got != want {
			t.Errorf("Uint(%s) = %d, %t", key, got, ok)
		}
	}
	for _, key := range []string{"i8", "i16", "i32", "i64", "text", "f32", "absent"} {
		if got, ok := everyType.Uint(key); ok {
			t.Errorf("Uint(%s) = %d, and it is no unsigned integer", key, got)
		}
	}
}

// edit returns a copy of data with the bytes at an offset replaced.
func edit(data []byte, offset int, with ...byte) []byte {
	data = bytes.Clone(data)
	copy(data[offset:], with)
	return data
}

func TestCheck(t *testing.T) {
	path, _ := writeSample(t, everyType)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	huge := bytes.Repeat([]byte{0xff}, 8)
	tests := []struct {
		name string
		data []byte
		want error
		text string // in the message
	}{
		{"good", good, nil, ""},
		{"version 2", edit(good, 4, 2), nil, ""},
		{"version 1", edit(good, 4, 1), ErrVersion, "version 1"},
		{"version 9", edit(good, 4, 9), ErrVersion, "version 9"},
		{"big-endian", edit(good, 4, 0, 0, 0, 3), ErrBigEndian, "gguf_convert_endian"},
		{"empty", nil, ErrNotGGUF, "empty"},
		{"zip", []byte("PK\x03\x04 and more"), ErrNotGGUF, `"PK\x03\x04"`},
		{"web page", []byte("\n<!DOCTYPE html>"), ErrNotGGUF, "web page"},
		{"Git LFS", []byte("version https://git-lfs.github.com/spec/v1\n"), ErrNotGGUF, "git lfs pull"},
		{"only magic", good[:4], ErrTruncated, "has 4"},
		{"half a header", good[:200], ErrTruncated, "has 200"},
		{"cut in a tensor", good[:len(good)-33], ErrTruncated, "needs"},
		{"tensors without end", edit(good, 8, huge...), ErrMalformed, "tensors"},
		{"entries without end", edit(good, 16, huge...), ErrMalformed, "metadata entries"},
		{"key without end", edit(good, 24, huge...), ErrMalformed, "bytes of text"},
		{"unknown value type", edit(good, 24+8+len("general.architecture"), 99), ErrMalformed, "unknown type 99"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.gguf")
			if err := os.WriteFile(path, test.data, 0o644); err != nil {
				t.Fatal(err)
			}
			err := Check(path)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Fatalf("Check: %v, not %v", err, test.want)
			}
			if err != nil && (!strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), path)) {
				t.Errorf("the message lacks %q or the path: %v", test.text, err)
			}
		})
	}
}

func TestCheckTruncationNamesBothSizes(t *testing.T) {
	path, _ := writeSample(t, nil)
	if err := os.Truncate(path, 300); err != nil {
		t.Fatal(err)
	}
	size := uint64(0)
	header, spans, err := encodeHeader(nil, sampleTensors())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range spans {
		size += s.sizeBytes + s.paddingBytes
	}
	size += uint64(len(header)) - spans[len(spans)-1].paddingBytes
	want := fmt.Sprintf("truncated: needs %d bytes, has 300; download or copy it again", size)
	if err := Check(path); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Check: %v, which does not end with %q", err, want)
	}
}

func TestCheckOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := Check(dir); !errors.Is(err, ErrNotGGUF) || !strings.Contains(err.Error(), "directory") {
		t.Errorf("directory: %v", err)
	}
	err := Check(filepath.Join(dir, "absent.gguf"))
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), "absent.gguf") != 1 {
		t.Errorf("absent: %v", err)
	}
}

func TestTensorTableIsChecked(t *testing.T) {
	tests := map[string]Tensor{
		"no multiple of 32": {Name: "a", Type: F32, Shape: []uint64{4}, OffsetBytes: 8},
		"two tensors":       {Name: "first", Type: F32, Shape: []uint64{4}},
		"empty dimension":   {Name: "a", Type: F32, Shape: []uint64{4, 0}},
		"0 dimensions":      {Name: "a", Type: F32},
		"too many elements": {Name: "a", Type: F32, Shape: []uint64{1 << 40, 1 << 40}},
		"multiple of 256":   {Name: "a", Type: 12, Shape: []uint64{128}},
		"beyond any file":   {Name: "a", Type: F32, Shape: []uint64{4}, OffsetBytes: math.MaxUint64 - 31},
		"needs 10995":       {Name: "a", Type: F32, Shape: []uint64{4}, OffsetBytes: 1 << 40},
	}
	for text, tensor := range tests {
		_, err := readBytes(dataOf(tensor))
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: %v, which lacks %q", tensor, err, text)
		}
	}
	future := Tensor{Name: "a", Type: 9999, Shape: []uint64{7}}
	if _, err := readBytes(dataOf(future)); err != nil {
		t.Errorf("a type newer than this package: %v", err)
	}
}

func readBytes(data []byte) (*File, error) {
	return Read(bytes.NewReader(data), int64(len(data)), DefaultLimits())
}

// dataOf returns a file with an empty tensor "first" of one block and the
// given one, whatever is wrong with it.
func dataOf(tensor Tensor) []byte {
	le := binary.LittleEndian
	data := append([]byte(magic), 3, 0, 0, 0)
	data = le.AppendUint64(data, 2)
	data = le.AppendUint64(data, 0)
	for _, t := range []Tensor{{Name: "first", Type: F32, Shape: []uint64{1}}, tensor} {
		data = appendText(data, t.Name)
		data = le.AppendUint32(data, uint32(len(t.Shape)))
		for _, n := range t.Shape {
			data = le.AppendUint64(data, n)
		}
		data = le.AppendUint32(data, uint32(t.Type))
		data = le.AppendUint64(data, t.OffsetBytes)
	}
	return append(data, make([]byte, 256)...)
}
