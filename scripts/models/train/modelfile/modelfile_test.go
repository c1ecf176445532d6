package modelfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/lesson"
	"github.com/weirgo/weir/scripts/models/train/network"
	"github.com/weirgo/weir/scripts/models/train/pieces"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf"
)

const text = `
[id: what]
Q: What is Weir?
Q: tell me about weir, please — now
A: Weir is an inference server: it answers within 12 ms (or so).

[tool: warm]
T: {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
U: How warm is it in Zürich?
C: {"name": "weather", "arguments": {"city": "Zürich"}}

[chat: two]
S: Be short.
U: Hello!
A: Hello. ▁ is a mark.
U: Bye!
A: Bye.
`

// untrained returns a small network of random weights with a vocabulary of the
// text above.
func untrained(t *testing.T) (*network.Network, *lesson.Encoder, []corpus.Item) {
	items, err := corpus.Read("text", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := lesson.Learn(items, 420)
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.New(network.Shape{
		Vocabulary: e.Vocabulary.Len(), Embedding: 64, Layers: 2, Heads: 4, HeadsKV: 2, FeedForward: 96, Context: 256,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	n.Init(3)
	return n, e, items
}

func about(e *lesson.Encoder) About {
	return About{
		Name: "test", Made: gguf.Metadata{{Key: RecipeKey, Value: "r"}}, Tokenizer: e.Vocabulary.Metadata(lesson.Template),
	}
}

// load writes a model and opens it in the engine.
func load(t *testing.T, n *network.Network, e *lesson.Encoder, matrices gguf.TensorType) engine.Model {
	t.Helper()
	library := llamatest.Open(t)
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := Write(path, n, about(e), matrices); err != nil {
		t.Fatal(err)
	}
	model, err := library.Load(t.Context(), path, engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return model
}

// The engine cuts texts into the same tokens as the trainer.
func TestTokensAreTheEngines(t *testing.T) {
	n, e, items := untrained(t)
	model := load(t, n, e, gguf.F32)
	var texts []string
	for _, c := range corpus.Questions(items) {
		for _, m := range c.Messages {
			texts = append(texts, m.Content, string(m.ToolCalls))
		}
	}
	r, alphabet := rand.New(rand.NewPCG(1, 2)), []rune("aeirstWw  .,?\n\"{}:<|>_0129éü—▁😀x")
	for range 300 {
		random := make([]rune, r.IntN(40))
		for i := range random {
			random[i] = alphabet[r.IntN(len(alphabet))]
		}
		texts = append(texts, string(random))
	}
	texts = append(texts, "<|im_start|>", "<unk><s>", "<0x0A>")
	for _, control := range []bool{false, true} {
		for _, text := range texts {
			got, err := model.Tokenize(context.Background(), nil, engine.Tokenizing{}, engine.Span{Text: text, Control: control})
			if err != nil {
				t.Fatal(err)
			}
			want := e.Vocabulary.Encode(nil, pieces.Part{Text: text, Control: control})
			if control && text == "<unk><s>" {
				continue // those the engine knows as well; no template writes them
			}
			if len(got) != len(want) {
				t.Errorf("%q: %v, the engine says %v", text, want, got)
				continue
			}
			for i := range got {
				if int32(got[i]) != want[i] {
					t.Errorf("%q: %v, the engine says %v", text, want, got)
					break
				}
			}
		}
	}
}

// engineLogits returns the logits after each token.
func engineLogits(t *testing.T, model engine.Model, tokens []int32) [][]float32 {
	t.Helper()
	c, err := model.NewContext(engine.ContextConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	batch := engine.NewBatch(len(tokens))
	for i, token := range tokens {
		batch.Add(engine.Token(token), i, 0, true)
	}
	if err := c.Decode(batch); err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for i := range tokens {
		row, err := c.Logits(i)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, append([]float32(nil), row...))
	}
	return rows
}

func TestLogitsAreTheEngines(t *testing.T) {
	n, e, items := untrained(t)
	tokens, _, err := e.Encode(corpus.Questions(items)[2])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		matrices  gguf.TensorType
		tolerance float64
	}{{gguf.F32, 0.01}, {Q8, 0.1}} {
		rows, own := engineLogits(t, load(t, n, e, test.matrices), tokens), n.Logits(tokens)
		worst, most := 0.0, 0.0
		for i, row := range rows {
			for j, v := range row {
				worst = max(worst, math.Abs(float64(v-own[i*len(row)+j])))
				most = max(most, math.Abs(float64(v)))
			}
		}
		t.Logf("%s: logits up to %.2f, off by up to %.4f", test.matrices, most, worst)
		if worst > test.tolerance*most {
			t.Errorf("%s: logits up to %.2f are off by up to %.3f", test.matrices, most, worst)
		}
	}
}

func TestSameBytes(t *testing.T) {
	n, e, _ := untrained(t)
	dir := t.TempDir()
	for _, matrices := range []gguf.TensorType{gguf.F32, Q8} {
		var files [2][]byte
		for i := range files {
			path := filepath.Join(dir, "model.gguf")
			if err := Write(path, n, about(e), matrices); err != nil {
				t.Fatal(err)
			}
			var err error
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: two files differ", matrices)
		}
	}
	if err := Write(filepath.Join(dir, "x"), n, about(e), gguf.F16); err == nil {
		t.Error("F16 is written")
	}
}

func TestHalf(t *testing.T) {
	for x, want := range map[float32]uint16{
		0: 0, 1: 0x3c00, 0.5: 0x3800, 65504: 0x7bff, 1e9: 0x7bff, 0x1p-24: 1, 0x1p-25: 0, 0x1.8p-24: 2, 0x1p-14: 0x0400,
		1 + 0x1p-11: 0x3c00, 1 + 0x1p-10: 0x3c01, 0x1.ffcp-1: 0x3bff, 0x1.ffep-1: 0x3c00,
	} {
		if got := half(x); got != want {
			t.Errorf("%v: %#x, want %#x", x, got, want)
		}
	}
}

func TestQuantise(t *testing.T) {
	data := make([]float32, 64)
	for i := range 32 {
		data[i] = float32(i-16) / 16
	}
	out := quantise(data)
	if len(out) != 68 || !bytes.Equal(out[34:], make([]byte, 34)) {
		t.Fatalf("%d bytes: %v", len(out), out)
	}
	scale := binary.LittleEndian.Uint16(out)
	if scale != half(1.0/127) || int8(out[2]) != -127 || out[2+16] != 0 || int8(out[2+24]) != 64 {
		t.Errorf("scale %#x, elements % d", scale, out[2:34])
	}
}
