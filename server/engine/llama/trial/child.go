package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
)

// order is what the parent writes to the child's standard input, which it then
// keeps open.
type order struct {
	Library     string
	Path        string
	Depth       Depth
	GPULayers   int
	NoMemoryMap bool
	MemoryBytes uint64 // the child's own, mapped files aside
}

// word is a line of the child's standard output: what it does next, or at the
// end how it went.
type word struct {
	Doing  string `json:",omitempty"`
	Loaded bool   `json:",omitempty"` // all of it, in memory that is shared, and what is left is to compute
	Error  string `json:",omitempty"`
	Done   bool   `json:",omitempty"`
}

// Exit codes of a child that has not been able to begin, or lost its parent.
const (
	exitOrder  = 3
	exitOrphan = 4
)

// Child is the whole work of the child process; it returns the exit code.
func Child(stdin io.Reader, stdout, stderr io.Writer) int {
	var o order
	orders := json.NewDecoder(stdin)
	if err := orders.Decode(&o); err != nil {
		fmt.Fprintln(stderr, "weir: this command is for weir's own use:", err)
		return exitOrder
	}
	dieWithParent(stdin)
	bound(o.MemoryBytes)
	words := json.NewEncoder(stdout)
	err := try(&o, func(w word) { _ = words.Encode(w) }, stderr)
	if err != nil {
		_ = words.Encode(word{Error: err.Error()})
		return 1
	}
	_ = words.Encode(word{Done: true})
	return 0
}

// dieWithParent ends the process when the parent lets go of standard input, as
// it does when it ends.
func dieWithParent(stdin io.Reader) {
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(exitOrphan)
	}()
}

// bound keeps what the child may do to the machine within limits. What the
// kernel refuses is not bound.
func bound(memoryBytes uint64) {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: memoryBytes, Max: memoryBytes})
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
}

// try does with the file what serving would.
func try(o *order, say func(word), stderr io.Writer) error {
	doing := func(what string) { say(word{Doing: what}) }
	doing("opening the engine library")
	library, err := llama.Open(o.Library, slog.New(lineHandler{stderr}))
	if err != nil {
		return err
	}
	ctx := context.Background() // the parent kills
	if o.Depth == OfVocabulary {
		doing("reading the vocabulary")
		v, err := library.LoadVocabulary(ctx, o.Path)
		if err != nil {
			return err
		}
		_, err = tokenize(v, doing)
		return errors.Join(err, v.Close())
	}
	doing("loading the weights")
	load := library.Load
	if o.Depth == OfEverything {
		load = library.LoadChecked
	}
	model, err := load(ctx, o.Path, engine.ModelConfig{GPULayers: o.GPULayers, NoMemoryMap: o.NoMemoryMap})
	if err != nil {
		return err
	}
	tokens, err := tokenize(model, doing)
	if err == nil {
		doing("computing the first tokens")
		say(word{Loaded: library.OnlyCPU() && shared(model)})
		err = compute(model, tokens)
	}
	return errors.Join(err, model.Close())
}

// tokenizer is what a model and a vocabulary have in common.
type tokenizer interface {
	Info() engine.Info
	Tokenize(ctx context.Context, dst []engine.Token, how engine.Tokenizing, text ...engine.Span) ([]engine.Token, error)
}

// probes are texts of many kinds: scripts, spaces, what looks like a token.
var probes = []string{
	"Hello, world! 12345", "", " ", "\n\n\t  \r\n", "naïve Ünïcödé", "日本語 한국어 हिन्दी ไทย עברית", "👩‍👩‍👧‍👦 🇩🇪",
	"a<s></s><unk><0x0A><|im_start|>user<|im_end|>[INST]<think>", "▁a▁", "\ufeff\ufffd\u0300",
}

// everyByte returns texts that have every byte UTF-8 can have: those of ASCII
// alone, as no longer token hides them then; and by their first byte characters
// of several, of which the last ones differ.
func everyByte() (texts []string) {
	for r := range rune(utf8.RuneSelf) {
		texts = append(texts, string(r))
	}
	var two, three, four []rune
	for r := rune(0x80); r < 0x800; r += 0x21 {
		two = append(two, r)
	}
	for r := rune(0x80); r < 0xc0; r++ {
		two = append(two, r)
	}
	for r := rune(0x800); r <= 0xffff; r += 0x7f1 {
		if utf8.ValidRune(r) {
			three = append(three, r)
		}
	}
	for r := rune(0x10000); r <= utf8.MaxRune; r += 0x7ff1 {
		four = append(four, r)
	}
	return append(texts, string(two), string(three), string(four))
}

// tokenize makes tokens of the probes and of every byte that text can have, and
// returns those of the first probe.
func tokenize(t tokenizer, doing func(string)) (sample []engine.Token, err error) {
	for _, text := range append(slices.Clone(probes), everyByte()...) {
		doing(fmt.Sprintf("making tokens of %q", cut(text)))
		tokens, err := t.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text, Control: true})
		if err != nil {
			return nil, err
		}
		for _, token := range tokens {
			if token < 0 || int(token) >= t.Info().VocabSize {
				return nil, fmt.Errorf("the text %q has token %d, and the vocabulary has 0 to %d", text, token, t.Info().VocabSize-1)
			}
		}
		if sample == nil {
			sample = tokens
		}
	}
	return sample, nil
}

// sampleTokens is how many tokens are computed: as few as make a batch, because
// it is the weights that take the time.
const sampleTokens = 2

// compute has a few tokens computed. Their logits must be numbers.
func compute(model engine.Model, tokens []engine.Token) error {
	c, err := model.NewContext(engine.ContextConfig{ContextTokens: 64, BatchTokens: 8, MicroBatchTokens: 8})
	if err != nil {
		return err
	}
	defer c.Close()
	if len(tokens) == 0 {
		tokens = []engine.Token{0}
	}
	b := engine.NewBatch(sampleTokens)
	for at := range sampleTokens {
		b.Add(tokens[min(at, len(tokens)-1)], at, 0, true)
	}
	if err := c.Decode(b); err != nil {
		return err
	}
	for row := range sampleTokens {
		logits, err := c.Logits(row)
		if err != nil {
			return err
		}
		if err := checkLogits(logits); err != nil {
			return err
		}
	}
	return nil
}

// checkLogits: some models rule a token out by minus infinity, none all.
func checkLogits(logits []float32) error {
	best := float32(math.Inf(-1))
	for token, l := range logits {
		if l != l || l > math.MaxFloat32 {
			return fmt.Errorf("it computes %v for token %d, which is no number: its weights are damaged", l, token)
		}
		best = max(best, l)
	}
	if best < -math.MaxFloat32 {
		return errors.New("it rules out every token: its weights are damaged")
	}
	return nil
}

// lineHandler writes the library's messages as they are, a line each.
type lineHandler struct{ out io.Writer }

func (lineHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h lineHandler) WithGroup(string) slog.Handler          { return h }

func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	_, err := io.WriteString(h.out, r.Message+"\n")
	return err
}
