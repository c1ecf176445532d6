package tamper

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/gguf"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// Model is what a test changes before it is written.
type Model struct {
	Metadata gguf.Metadata
	Tensors  []gguf.Tensor
	weights  map[string][]byte
}

// Set puts a value under a key, new or not.
func (m *Model) Set(key string, value any) {
	for i := range m.Metadata {
		if m.Metadata[i].Key == key {
			m.Metadata[i].Value = value
			return
		}
	}
	m.Metadata = append(m.Metadata, gguf.KV{Key: key, Value: value})
}

// Delete removes a key.
func (m *Model) Delete(key string) {
	m.Metadata = slices.DeleteFunc(m.Metadata, func(entry gguf.KV) bool { return entry.Key == key })
}

// Tokens returns the vocabulary's texts, scores and types, to be changed.
func (m *Model) Tokens() (texts []string, scores []float32, types []int32) {
	get := func(name string) any {
		value, _ := m.Metadata.Get("tokenizer.ggml." + name)
		return value
	}
	return get("tokens").([]string), get("scores").([]float32), get("token_type").([]int32)
}

// Weights returns a tensor's bytes, to be changed.
func (m *Model) Weights(name string) []byte { return m.weights[name] }

// Tensor returns a tensor, to be changed. Data is cut or filled up to its size.
func (m *Model) Tensor(name string) *gguf.Tensor {
	at := slices.IndexFunc(m.Tensors, func(t gguf.Tensor) bool { return t.Name == name })
	return &m.Tensors[at]
}

// Write writes a changed model to a directory of the test's own.
func Write(t testing.TB, change func(*Model)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tampered.gguf")
	WriteTo(t, path, change)
	return path
}

// WriteSplit writes the model in two parts, the second one changed, and returns the first
// one's path.
func WriteSplit(t testing.TB, second func(*Model)) string {
	t.Helper()
	dir := t.TempDir()
	name := func(n int) string { return filepath.Join(dir, fmt.Sprintf("split-%05d-of-00002.gguf", n)) }
	WriteTo(t, name(1), func(m *Model) {
		m.Set("split.count", uint16(2))
		m.Set("split.no", uint16(0))
		m.Set("split.tensors.count", int32(len(m.Tensors)))
		m.Tensors = m.Tensors[:15]
	})
	WriteTo(t, name(2), func(m *Model) {
		m.Metadata = gguf.Metadata{{Key: "split.no", Value: uint16(1)}, {Key: "split.count", Value: uint16(2)}}
		m.Tensors = m.Tensors[15:]
		second(m)
	})
	return name(1)
}

// WriteTo writes a changed model to path.
func WriteTo(t testing.TB, path string, change func(*Model)) {
	t.Helper()
	m, err := sound()
	if err != nil {
		t.Fatal(err)
	}
	change(m)
	w, err := gguf.Create(path, m.Metadata, m.Tensors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Tensors {
		size, err := m.Tensors[i].SizeBytes()
		if err != nil {
			t.Fatal(err)
		}
		data := m.weights[m.Tensors[i].Name]
		data = append(data[:min(uint64(len(data)), size)], make([]byte, size-min(uint64(len(data)), size))...)
		if _, err := w.Write(data); err != nil {
			t.Fatal(errors.Join(err, w.Close()))
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// Sound returns the bytes of the model with nothing changed.
func Sound(t testing.TB) []byte {
	t.Helper()
	content, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(content)
}

var whole = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "tamper-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "tiny.gguf")
	if err := seeded.Write(path, seeded.Tiny, seeded.DefaultSeed); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// sound reads the model.
func sound() (*Model, error) {
	content, err := whole()
	if err != nil {
		return nil, err
	}
	file, err := gguf.Read(bytes.NewReader(content), int64(len(content)), gguf.DefaultLimits())
	if err != nil {
		return nil, err
	}
	m := &Model{Metadata: file.Metadata, Tensors: file.Tensors, weights: map[string][]byte{}}
	for i := range m.Tensors {
		t := &m.Tensors[i]
		size, err := t.SizeBytes()
		if err != nil {
			return nil, err
		}
		begin := uint64(file.DataOffsetBytes) + t.OffsetBytes
		m.weights[t.Name] = slices.Clone(content[begin : begin+size])
	}
	return m, nil
}

// Add adds a tensor of 32-bit floats.
func (m *Model) Add(name string, values []float32, shape ...uint64) {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	m.Tensors = append(m.Tensors, gguf.Tensor{Name: name, Type: gguf.F32, Shape: shape})
	m.weights[name] = data
}

// Rerank makes the model a reranker: one of the architecture qwen3, whose head has
// two classes, of which the first is what ranks.
func (m *Model) Rerank() {
	const from, to = "llama.", "qwen3."
	for i, entry := range m.Metadata {
		if name, ok := strings.CutPrefix(entry.Key, from); ok {
			m.Metadata[i].Key = to + name
		}
	}
	number := func(key string) uint64 {
		v, _ := m.Metadata.Uint(to + key)
		return v
	}
	width := number("embedding_length")
	head := width / number("attention.head_count")
	m.Set("general.architecture", "qwen3")
	m.Set(to+"pooling_type", uint32(4))
	m.Set(to+"attention.key_length", uint32(head))
	m.Set(to+"attention.value_length", uint32(head))
	m.Set(to+"classifier.output_labels", []string{"yes", "no"})
	ones := slices.Repeat([]float32{1}, int(head))
	for layer := range number("block_count") {
		for _, name := range []string{"attn_q_norm", "attn_k_norm"} {
			m.Add(fmt.Sprintf("blk.%d.%s.weight", layer, name), ones, head)
		}
	}
	classes := make([]float32, 2*width)
	for i := range width {
		classes[i] = float32(i%7)/7 - 0.4
	}
	m.Add("cls.output.weight", classes, width, 2)
}
