package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/weirgo/weir/server/gguf/hftokenizer"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// fromTokenizerCommand is `weir models from-tokenizer DIR OUT.gguf`.
func fromTokenizerCommand(args []string, stdout io.Writer) error {
	f := newFlagSet("models from-tokenizer", "Makes a small model around the tokenizer of a Hugging Face model folder\n"+
		"(tokenizer.json, tokenizer_config.json), to count tokens and to try clients and\n"+
		"chat templates without the weights. Its own are random: it writes nonsense.", "DIR", "OUT.gguf")
	var pre string
	seed := seeded.DefaultSeed
	f.named(&pre, "pre", "NAME", "the library's split of text before merging; default: as the pre_tokenizer says")
	f.whole(&seed, "s seed", "N", "number the weights come from")
	named, err := f.parseNamed(args, stdout)
	if err != nil {
		return err
	}
	dir, path := named[0], named[1]
	tokenizer, err := hftokenizer.Read(dir)
	if err != nil {
		return fmt.Errorf("models from-tokenizer: %w", err)
	}
	metadata, err := tokenizer.Metadata(pre)
	if err != nil {
		return fmt.Errorf("models from-tokenizer: %w", err)
	}
	name := filepath.Base(dir)
	if full, err := filepath.Abs(dir); err == nil {
		name = filepath.Base(full)
	}
	if err := seeded.WriteAround(path, name, metadata, uint64(seed)); err != nil {
		return fmt.Errorf("models from-tokenizer: %w", err)
	}
	for _, note := range tokenizer.Notes() {
		fmt.Fprintf(stdout, "note: %s\n", note)
	}
	fmt.Fprintf(stdout, "%s: written, %s pieces, split %s\n", path, metadata.Text("tokenizer.ggml.model"), metadata.Text("tokenizer.ggml.pre"))
	return nil
}
