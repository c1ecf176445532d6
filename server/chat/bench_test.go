package chat

import (
	"os"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// BenchmarkRender renders usual chats.
func BenchmarkRender(b *testing.B) {
	long := Input{AddGenerationPrompt: true, Messages: []ask.Message{{Role: "system", Content: "Be brief."}}}
	for range 50 {
		long.Messages = append(long.Messages,
			ask.Message{Role: "user", Content: "What is 2 + 2, and how do you know that it is?"},
			ask.Message{Role: "assistant", Content: "It is 4, by counting."})
	}
	long.Messages = append(long.Messages, ask.Message{Role: "user", Content: "Thanks"})
	for _, name := range []string{"builtin", "llama3", "mistral"} {
		source := ""
		if name != "builtin" {
			data, err := os.ReadFile("testdata/" + name + ".jinja")
			if err != nil {
				b.Fatal(err)
			}
			source = string(data)
		}
		template, err := New(source, "<s>", "</s>")
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name  string
			input Input
		}{{"turn", conversations[0].input}, {"tools", conversations[2].input}, {"long", long}} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := template.text(c.input); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
