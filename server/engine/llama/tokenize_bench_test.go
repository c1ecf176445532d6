package llama_test

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// What a text costs, and what of that is the library's.
func BenchmarkTokenize(b *testing.B) {
	models := []struct {
		name  string
		model engine.Model
	}{
		{"tiny", llamatest.Load(b)},
		{"qwen2", bytePair("qwen2", "the the the").load(b, engine.ModelConfig{})},
		{"gpt-4o", bytePair("gpt-4o", "the the the").load(b, engine.ModelConfig{})},
	}
	text := "The quick brown fox jumps over the lazy dog, 42 times. "
	for _, m := range models {
		for _, size := range []int{100, 4 << 10, 64 << 10} {
			text := strings.Repeat(text, size/len(text)+1)[:size]
			name := m.name + "/" + map[int]string{100: "100B", 4 << 10: "4KiB", 64 << 10: "64KiB"}[size]
			b.Run(name+"/model", func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := m.model.Tokenize(b.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text, Control: true}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(name+"/library", func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					llama.TokenizeWhole(m.model, text, true, true)
				}
			})
		}
	}
}
