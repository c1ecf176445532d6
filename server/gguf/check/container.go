package check

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/weirgo/weir/server/gguf"
)

// maxNameBytes is what the library has room for in a tensor's name, less the
// byte that ends it.
const maxNameBytes = 63

// checkKeys: the library compares every key with every other, as C strings.
func checkKeys(metadata gguf.Metadata) error {
	known := make(map[string]bool, len(metadata))
	for _, entry := range metadata {
		switch {
		case entry.Key == "":
			return gguf.Malformed("a metadata key is empty")
		case strings.ContainsRune(entry.Key, 0):
			return gguf.Malformed("metadata key %q has a NUL", entry.Key)
		case known[entry.Key]:
			return gguf.Malformed("metadata key %q is there twice", entry.Key)
		}
		known[entry.Key] = true
		if _, nested := entry.Value.([]any); nested {
			return gguf.Malformed("metadata %q is an array of arrays, which the engine library does not read", entry.Key)
		}
	}
	return nil
}

// checkTensors: the library takes tensors to lie in a row, each padded.
func checkTensors(file *gguf.File) error {
	next, placed := uint64(0), true
	for i := range file.Tensors {
		t := &file.Tensors[i]
		if t.Name == "" || len(t.Name) > maxNameBytes || strings.ContainsRune(t.Name, 0) {
			return gguf.Malformed("tensor name %q has %d bytes or a NUL: names have 1 to %d bytes",
				t.Name[:min(len(t.Name), maxNameBytes)], len(t.Name), maxNameBytes)
		}
		if placed && t.OffsetBytes != next {
			return gguf.Malformed("tensor %q is at offset %d, and the one before it ends at %d", t.Name, t.OffsetBytes, next)
		}
		// After a type newer than this package nothing is known of places.
		if placed = placed && t.Type.Known(); placed {
			size, err := t.SizeBytes()
			if err != nil {
				return gguf.Malformed("%v", err)
			}
			next += size + -size&(file.AlignmentBytes-1)
		}
	}
	return nil
}

// Keys of a model that is split into files.
const (
	splitCountKey   = "split.count"
	splitNumberKey  = "split.no"
	splitTensorsKey = "split.tensors.count"
	maxSplits       = 1 << 10
)

// addSplits adds the further parts of a split model, which lie beside the
// first under names that the library makes up from the first one's.
func (m *Model) addSplits(path string) error {
	count, err := m.number(splitCountKey, 0, maxSplits)
	if err != nil || count <= 1 {
		return err
	}
	if err := checkSplitNumber(m.Metadata, 0); err != nil {
		return err
	}
	stem, ok := strings.CutSuffix(path, splitSuffix(0, count))
	if !ok {
		return gguf.Malformed("it is the first of %d parts, and its name does not end in %q", count, splitSuffix(0, count))
	}
	names := map[string]bool{}
	for number := range count {
		if number > 0 {
			name := stem + splitSuffix(number, count)
			err := m.addPart(name)
			if err == nil {
				err = checkSplitNumber(m.Parts[number].File.Metadata, number)
			}
			if err != nil {
				return fmt.Errorf("part %s: %w", filepath.Base(name), err)
			}
		}
		file := m.Parts[number].File
		for i := range file.Tensors {
			if name := file.Tensors[i].Name; names[name] {
				return gguf.Malformed("two parts have a tensor %q", name)
			}
			names[file.Tensors[i].Name] = true
		}
	}
	if want, ok := m.Metadata.Uint(splitTensorsKey); !ok || want != uint64(len(names)) {
		return gguf.Malformed("the parts have %d tensors, and %s is %d", len(names), splitTensorsKey, want)
	}
	return nil
}

func splitSuffix(number, count uint64) string {
	return fmt.Sprintf("-%05d-of-%05d.gguf", number+1, count)
}

// checkSplitNumber: the library asserts the type of a further part's number.
func checkSplitNumber(metadata gguf.Metadata, want uint64) error {
	stored, _ := metadata.Get(splitNumberKey)
	if number, ok := stored.(uint16); !ok || uint64(number) != want {
		return gguf.Malformed("%s is %v, not %d as a uint16: give the first part, with all parts beside it", splitNumberKey, stored, want)
	}
	return nil
}
