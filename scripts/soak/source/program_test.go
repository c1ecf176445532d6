package source

import (
	"bytes"
	"testing"
)

func TestSeedsRepeat(t *testing.T) {
	for seed := range uint64(10) {
		files, again := Program(seed, true), Program(seed, true)
		if len(files) != 3 {
			t.Fatalf("%d files", len(files))
		}
		for name, text := range files {
			if !bytes.Equal(text, again[name]) {
				t.Errorf("seed %d: %s differs the second time", seed, name)
			}
		}
		if next := Program(seed+1, true); bytes.Equal(next["main.go"], files["main.go"]) {
			t.Errorf("seeds %d and %d give one program", seed, seed+1)
		}
	}
}
