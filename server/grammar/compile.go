package grammar

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/gbnf"
	"github.com/weirgo/weir/server/grammar/schema"
	"github.com/weirgo/weir/server/grammar/syntax"
)

// Form is what a text is held to, and from when on.
type Form struct {
	ask.Format
	// Schemas are JSON schemas that a grammar in Format.Source refers to as
	// rules, by these names, which it does not define itself.
	Schemas map[string][]byte
	// Tokens are those that a grammar may name, as <tool_call>, by their names
	// with the brackets. Any may be named by its number, as <[151657]>.
	Tokens  map[string]ask.Token
	Trigger Trigger
}

// Config bounds a Compiler. The zero value of a field takes its default.
type Config struct {
	// Grammars is how many are kept, those used last. Default 32. Each takes 4
	// MiB at most, 8 for a moment, beside its program: fewer are kept if those
	// are more than 1 Mi instructions, of 48 bytes or more, together.
	Grammars int
	// SourceBytes is how long a form may be, its schemas included. Default 256
	// KiB.
	SourceBytes int
	// Compiling is how many are compiled at once; others wait. Default 1.
	Compiling int
}

// Compiler makes grammars over one vocabulary, and keeps them. Any goroutine may
// use it.
type Compiler struct {
	vocabulary *Vocabulary
	config     Config
	places     chan struct{} // of who compiles

	mu    sync.Mutex
	kept  map[[sha256.Size]byte]*list.Element
	order list.List // of *entry, the one used last first
	code  int       // instructions of all
}

// keptCode is how many instructions the programs of the grammars have that are
// kept: four of the largest.
const keptCode = 4 * syntax.MaxInstructions

type entry struct {
	key     [sha256.Size]byte
	grammar *Grammar
}

// NewCompiler makes a compiler that has compiled nothing yet.
func NewCompiler(v *Vocabulary, cfg Config) *Compiler {
	defaulted := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	defaulted(&cfg.Grammars, 32)
	defaulted(&cfg.SourceBytes, 256<<10)
	defaulted(&cfg.Compiling, 1)
	return &Compiler{
		vocabulary: v, config: cfg, places: make(chan struct{}, cfg.Compiling),
		kept: map[[sha256.Size]byte]*list.Element{},
	}
}

// Compile returns the grammar of a form, nil for one that allows any text. The
// error is an *ask.Fault: the form is at fault, or ctx is over.
func (c *Compiler) Compile(ctx context.Context, form Form) (*Grammar, error) {
	if form.Kind == ask.FormatText {
		return nil, nil
	}
	size := len(form.Source)
	for name, s := range form.Schemas {
		size += len(name) + len(s)
	}
	if size > c.config.SourceBytes {
		return nil, tooLong(form.Kind, c.config.SourceBytes)
	}
	key := keyOf(form)
	if g := c.find(key); g != nil {
		return g, nil
	}
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return nil, ask.GivenUp(ctx.Err())
	}
	if g := c.find(key); g != nil {
		return g, nil // while this one waited
	}
	g, err := compile(ctx, form, c.vocabulary)
	if err != nil {
		return nil, err
	}
	c.keep(key, g)
	return g, nil
}

// Compile compiles a format without keeping it, as [Compiler.Compile] does.
func Compile(ctx context.Context, format ask.Format, v *Vocabulary) (*Grammar, error) {
	return NewCompiler(v, Config{}).Compile(ctx, Form{Format: format})
}

func compile(ctx context.Context, form Form, v *Vocabulary) (*Grammar, error) {
	trigger, err := form.Trigger.ready()
	if err != nil {
		return nil, err
	}
	p, err := program(ctx, form, v)
	if err != nil {
		return nil, fault(form.Kind, err)
	}
	made := newGrammar(p, v, trigger)
	made.maskOf(made.start()) // the first is learnt here, not by the engine's goroutine
	return made, nil
}

// program makes the program of a form.
func program(ctx context.Context, form Form, v *Vocabulary) (*syntax.Program, error) {
	switch form.Kind {
	case ask.FormatJSON:
		return schema.Object(ctx, !form.Trigger.None())
	case ask.FormatSchema:
		return schema.Compile(ctx, []byte(form.Source), !form.Trigger.None())
	}
	g := new(syntax.Grammar)
	given, err := schema.Add(ctx, g, form.Schemas)
	if err != nil {
		return nil, err
	}
	return gbnf.Compile(ctx, form.Source, gbnf.Names{Grammar: g, Rules: given, Token: form.token(v)})
}

// token returns what finds the bytes that stand for a token that a grammar names.
func (f *Form) token(v *Vocabulary) func(name string) (string, error) {
	return func(name string) (string, error) {
		t, ok := f.Tokens[name]
		if number, isNumber := strings.CutPrefix(name, "<["); isNumber {
			n, err := strconv.ParseUint(strings.TrimSuffix(number, "]>"), 10, 31)
			t, ok = ask.Token(n), err == nil
		}
		switch {
		case !ok:
			return "", errors.New("it is no token that can be named here: write its text in quotes, or its number as <[1]>")
		case t < 0 || int(t) >= v.size:
			return "", fmt.Errorf("it is outside the vocabulary of %d tokens", v.size)
		case v.isEnd(t):
			return "", errors.New("it ends a generation, which the end of the grammar allows by itself: leave it out")
		}
		return string(v.text(t)), nil
	}
}

// param is the field that a form comes from.
func param(kind ask.FormatKind) string {
	if kind == ask.FormatGrammar {
		return "grammar"
	}
	return "json_schema"
}

// fault says whose fault an error is.
func fault(kind ask.FormatKind, err error) error {
	if f, ok := errors.AsType[*ask.Fault](err); ok {
		return f
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return ask.GivenUp(err)
	}
	return ask.Invalid(param(kind), err.Error())
}

func tooLong(kind ask.FormatKind, limitBytes int) error {
	f := ask.Invalid(param(kind), "it is longer than "+strconv.Itoa(limitBytes)+" bytes")
	f.Remedy = "shorten it"
	return f
}

// keyOf is the hash of a form: of its texts, each with its length before it.
func keyOf(form Form) (key [sha256.Size]byte) {
	h := sha256.New()
	var n [8]byte
	number := func(i int) {
		binary.LittleEndian.PutUint64(n[:], uint64(i))
		h.Write(n[:])
	}
	texts := func(all ...string) {
		number(len(all))
		for _, s := range all {
			number(len(s))
			io.WriteString(h, s)
		}
	}
	number(int(form.Kind))
	for _, name := range slices.Sorted(maps.Keys(form.Tokens)) {
		texts(name)
		number(int(form.Tokens[name]))
	}
	texts(form.Source)
	texts(form.Trigger.Words...)
	number(len(form.Trigger.Tokens))
	for _, t := range form.Trigger.Tokens {
		number(int(t))
	}
	for _, name := range slices.Sorted(maps.Keys(form.Schemas)) {
		texts(name, string(form.Schemas[name]))
	}
	h.Sum(key[:0])
	return key
}

func (c *Compiler) find(key [sha256.Size]byte) *Grammar {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.kept[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).grammar
}

func (c *Compiler) keep(key [sha256.Size]byte, g *Grammar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[key]; ok {
		return
	}
	c.kept[key] = c.order.PushFront(&entry{key, g})
	c.code += len(g.program.Code)
	for c.order.Len() > c.config.Grammars || c.code > keptCode && c.order.Len() > 1 {
		last := c.order.Remove(c.order.Back()).(*entry)
		delete(c.kept, last.key)
		c.code -= len(last.grammar.program.Code)
	}
}
