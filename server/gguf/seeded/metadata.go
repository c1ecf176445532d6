package seeded

import (
	"fmt"
	"slices"

	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/gguf"
)

// File types: what general.file_type calls the bulk of the matrices.
const (
	fileTypeF32 = 0
	fileTypeF16 = 1
)

// metadata returns what llama.cpp needs to know about the model.
func (a *architecture) metadata(size Size, seed uint64, tokens []token) gguf.Metadata {
	recipe := gguf.Metadata{{Key: RecipeKey, Value: Recipe(size, seed)}}
	return slices.Concat(a.general(fmt.Sprintf("weir-%s", size), seed), recipe, a.hyperparameters(), tokenizer(tokens))
}

// general returns what every model says of itself.
func (a *architecture) general(name string, seed uint64) gguf.Metadata {
	fileType := uint32(fileTypeF32)
	if a.matrices == gguf.F16 {
		fileType = fileTypeF16
	}
	return gguf.Metadata{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.type", Value: "model"},
		{Key: "general.name", Value: name},
		{Key: "general.description", Value: fmt.Sprintf("seeded random weights, seed %d; has learnt nothing", seed)},
		{Key: "general.license", Value: "bsd-3-clause"},
		{Key: "general.file_type", Value: fileType},
		{Key: "general.quantization_version", Value: uint32(2)},
		{Key: "weir.seed", Value: seed},
	}
}

// hyperparameters returns the shape under llama.cpp's names.
func (a *architecture) hyperparameters() gguf.Metadata {
	return gguf.Metadata{
		{Key: "llama.vocab_size", Value: uint32(a.vocabulary)},
		{Key: "llama.context_length", Value: uint32(a.context)},
		{Key: "llama.embedding_length", Value: uint32(a.embedding)},
		{Key: "llama.block_count", Value: uint32(a.layers)},
		{Key: "llama.feed_forward_length", Value: uint32(a.feedForward)},
		{Key: "llama.attention.head_count", Value: uint32(a.heads)},
		{Key: "llama.attention.head_count_kv", Value: uint32(a.headsKV)},
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: "llama.rope.dimension_count", Value: uint32(a.headSize())},
		{Key: "llama.rope.freq_base", Value: float32(10000)},
	}
}

// tokenizer returns this package's own vocabulary, and ChatML.
func tokenizer(tokens []token) gguf.Metadata {
	texts := make([]string, len(tokens))
	scores := make([]float32, len(tokens))
	kinds := make([]int32, len(tokens))
	for i, t := range tokens {
		texts[i], scores[i], kinds[i] = t.text, t.score, int32(t.kind)
	}
	return gguf.Metadata{
		{Key: "tokenizer.ggml.model", Value: "llama"},
		{Key: "tokenizer.ggml.pre", Value: "default"},
		{Key: "tokenizer.ggml.tokens", Value: texts},
		{Key: "tokenizer.ggml.scores", Value: scores},
		{Key: "tokenizer.ggml.token_type", Value: kinds},
		{Key: "tokenizer.ggml.unknown_token_id", Value: uint32(tokenUnknown)},
		{Key: "tokenizer.ggml.bos_token_id", Value: uint32(tokenBegin)},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(tokenEnd)},
		{Key: "tokenizer.ggml.eot_token_id", Value: uint32(tokenTurnEnd)},
		{Key: "tokenizer.ggml.padding_token_id", Value: uint32(tokenEnd)},
		{Key: "tokenizer.ggml.add_bos_token", Value: true},
		{Key: "tokenizer.ggml.add_eos_token", Value: false},
		{Key: "tokenizer.ggml.add_space_prefix", Value: false},
		{Key: "tokenizer.chat_template", Value: chat.ChatML},
	}
}
