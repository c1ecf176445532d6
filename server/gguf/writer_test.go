package gguf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCreateRefuses(t *testing.T) {
	block := Tensor{Name: "a", Type: F32, Shape: []uint64{1}}
	tests := map[string]struct {
		metadata Metadata
		tensor   Tensor
	}{
		"no GGUF type holds":         {Metadata{{"k", 1 + 2i}}, block},
		"array of arrays holds a Go": {Metadata{{"k", []any{"text"}}}, block},
		"power of two":               {Metadata{{alignmentKey, uint32(48)}}, block},
		"up to 4096":                 {Metadata{{alignmentKey, uint32(8192)}}, block},
		"uint32":                     {Metadata{{alignmentKey, uint64(32)}}, block},
		"0 dimensions":               {nil, Tensor{Name: "a", Type: F32}},
		"5 dimensions":               {nil, Tensor{Name: "a", Type: F32, Shape: []uint64{1, 1, 1, 1, 1}}},
		"unknown type 77":            {nil, Tensor{Name: "a", Type: 77, Shape: []uint64{1}}},
		"multiple of 32":             {nil, Tensor{Name: "a", Type: 8, Shape: []uint64{31}}},
	}
	for text, test := range tests {
		dir := t.TempDir()
		_, err := Create(filepath.Join(dir, "m.gguf"), test.metadata, []Tensor{test.tensor})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, which lacks %q", err, text)
		}
		wantFiles(t, dir)
	}
}

func TestOnlyACompleteFileAppears(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	create := func() *Writer {
		w, err := Create(path, nil, []Tensor{{Name: "a", Type: F32, Shape: []uint64{4}}})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}

	w := create()
	if _, err := w.Write(make([]byte, 15)); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil || !strings.Contains(err.Error(), "15 of 16 bytes") {
		t.Errorf("Commit of half a tensor: %v", err)
	}
	wantFiles(t, dir)

	w = create()
	if n, err := w.Write(make([]byte, 20)); n != 16 || err == nil {
		t.Errorf("Write of too much: %d, %v", n, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	wantFiles(t, dir)

	w = create()
	if _, err := w.Write(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	wantHidden := 1
	if entries, _ := os.ReadDir(dir); len(entries) != wantHidden || entries[0].Name() == "m.gguf" {
		t.Errorf("before Commit the folder holds %v", entries)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close after Commit: %v", err)
	}
	if _, err := w.Write(nil); err == nil {
		t.Error("Write after Commit works")
	}
	wantFiles(t, dir, "m.gguf")
}

// wantFiles fails the test unless dir holds just those files.
func wantFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, not %q", got, names)
	}
}
