package check

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/weirgo/weir/server/gguf"
)

// Model is what a model file, or all parts of a split one, says before its
// tensor data. Its files stay open until Close.
type Model struct {
	Metadata gguf.Metadata // the first part's, which is the model's
	Parts    []Part        // in order
}

// Part is one file of a model.
type Part struct {
	Path      string
	Disk      *os.File
	SizeBytes int64 // when it was opened
	File      *gguf.File
}

// Architecture is the model's general.architecture.
func (m *Model) Architecture() string { return m.Metadata.Text("general.architecture") }

// Tensors counts the tensors of all parts.
func (m *Model) Tensors() (n int) {
	for _, p := range m.Parts {
		n += len(p.File.Tensors)
	}
	return n
}

// SizeBytes is the size of all parts.
func (m *Model) SizeBytes() (n int64) {
	for _, p := range m.Parts {
		n += p.SizeBytes
	}
	return n
}

// Open checks the model whose first or only part is the file at path, and
// leaves its files open. It takes time and memory in proportion to the
// metadata: some ten milliseconds for a large vocabulary. The error names the
// file and says what to do; it wraps one of package gguf's, or the operating
// system's.
func Open(path string) (*Model, error) {
	m := new(Model)
	for _, rule := range []func() error{
		func() error { return m.addPart(path) },
		func() error { return m.addSplits(path) },
		m.checkHyperparameters,
		m.checkVocabulary,
		m.checkShapes,
	} {
		if err := rule(); err != nil {
			m.Close()
			return nil, fmt.Errorf("check %s: %w", path, err)
		}
	}
	return m, nil
}

// File is Open for those who only want to know whether the file passes.
func File(path string) error {
	m, err := Open(path)
	if err != nil {
		return err
	}
	m.Close()
	return nil
}

// Close closes the model's files.
func (m *Model) Close() {
	for _, p := range m.Parts {
		_ = p.Disk.Close() // only read from
	}
}

// addPart opens a file, checks all that can be said of it alone, and appends
// it to the model's parts.
func (m *Model) addPart(path string) error {
	disk, sizeBytes, err := gguf.OpenFile(path)
	if err != nil {
		return err
	}
	file, err := gguf.Read(disk, sizeBytes, gguf.DefaultLimits())
	if err == nil {
		err = checkPart(file, disk)
	}
	if err != nil {
		return errors.Join(err, disk.Close())
	}
	if len(m.Parts) == 0 {
		m.Metadata = file.Metadata
	}
	m.Parts = append(m.Parts, Part{path, disk, sizeBytes, file})
	return nil
}

// checkPart checks one file.
func checkPart(file *gguf.File, data io.ReaderAt) error {
	if err := checkKeys(file.Metadata); err != nil {
		return err
	}
	if err := checkTensors(file); err != nil {
		return err
	}
	return checkNorms(file, data)
}
