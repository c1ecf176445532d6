package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// demoName is the model that is trained and not seeded: it answers questions
// about Weir. It comes with the repository; scripts/models/train made it.
const demoName = "demo"

// demoFile is where the demo model is in the repository.
var demoFile = filepath.Join("scripts", "models", "testdata", "weir-demo.gguf")

// copyDemo puts the demo model at path.
func (m *maker) copyDemo(path string) error {
	source := m.demo
	if source == "" {
		root, err := checkout.Root()
		if err != nil {
			return fmt.Errorf("make %s: %w", filepath.Base(path), err)
		}
		source = filepath.Join(root, demoFile)
	}
	model, err := os.ReadFile(source)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make %s: %w; train it with `make train` and copy build/train/weir-demo.gguf there", filepath.Base(path), err)
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, model) {
		fmt.Fprintf(m.out, "%s: up to date\n", path)
		return nil
	}
	// Beside it first: the name is of a whole file only.
	part := path + ".part"
	if err := errors.Join(os.WriteFile(part, model, 0o644), os.Rename(part, path)); err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	return m.say(path)
}
