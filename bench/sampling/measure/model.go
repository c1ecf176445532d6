package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/server/gguf"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// Types of tokens in a model's file.
const (
	typeNormal  = 1
	typeUnknown = 2
	typeControl = 3
	typeByte    = 6
)

// modelOf returns the path of a model with so many tokens, and writes it if it is
// not there.
func modelOf(folder string, vocabulary int) (string, error) {
	path := filepath.Join(folder, fmt.Sprintf("words-%d.gguf", vocabulary))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	name := fmt.Sprintf("%d words", vocabulary)
	return path, seeded.WriteAround(path, name, words(vocabulary), seeded.DefaultSeed)
}

// words is a tokenizer whose tokens, but the first few, are words of their own.
func words(vocabulary int) gguf.Metadata {
	texts, types := []string{"<unk>", "<s>", "</s>"}, []int32{typeUnknown, typeControl, typeControl}
	for b := range 256 {
		texts, types = append(texts, fmt.Sprintf("<0x%02X>", b)), append(types, typeByte)
	}
	for len(texts) < vocabulary {
		texts, types = append(texts, fmt.Sprintf("▁w%d", len(texts))), append(types, typeNormal)
	}
	scores := make([]float32, len(texts))
	for i := range scores {
		scores[i] = -float32(i)
	}
	return gguf.Metadata{
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.pre", Value: "default"},
		{Key: "tokenizer.ggml.tokens", Value: texts},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.token_type", Value: types},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(0)},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(1)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(2)},
		{Key: "tokenizer.ggml.add_bos_token", Value: true},
	}
}
