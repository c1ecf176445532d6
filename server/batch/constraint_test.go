package batch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/sampling"
)

// digits is a form: so many decimal digits, then the end. It panics if two
// goroutines use it at once, or if it is not used as a Constraint is.
type digits struct {
	left  int
	busy  atomic.Bool
	set   []uint64
	asked int
}

func (d *digits) enter() func() {
	if d.busy.Swap(true) {
		panic("two goroutines use a constraint")
	}
	return func() { d.busy.Store(false) }
}

func (d *digits) Allowed() []uint64 {
	defer d.enter()()
	d.asked++
	d.set = make([]uint64, (enginetest.VocabSize+63)/64)
	allow := func(t engine.Token) { d.set[t/64] |= 1 << (t % 64) }
	if d.left <= 0 {
		allow(enginetest.EOS)
		return d.set
	}
	for c := engine.Token('0'); c <= '9'; c++ {
		allow(c)
	}
	return d.set
}

func (d *digits) Accept(token ask.Token) {
	defer d.enter()()
	if d.set == nil || d.set[token/64]&(1<<(token%64)) == 0 {
		panic("a token that was not allowed")
	}
	d.left, d.set = d.left-1, nil
}

func submitJob(t *testing.T, l *Loop, j Job) *Generation {
	t.Helper()
	g, err := l.SubmitJob(j)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestConstraintsHold runs generations with a form among others, drawn in every
// way, with helpers and without: each keeps its form and ends with it, and the
// tokens are those of the sequence alone. What may come next is asked for once a
// token, those that were evicted in between included.
func TestConstraintsHold(t *testing.T) {
	alone := make(map[int][]engine.Token)
	for _, together := range []bool{false, true} {
		for _, worth := range []int{0, worthNs} {
			t.Run(fmt.Sprint(together, worth), func(t *testing.T) {
				loop, _ := stepped(t, enginetest.Options{CacheTokens: 150}, engine.ContextConfig{ContextTokens: 6 * 128}, Config{MaxSequences: 6})
				loop.share.worthNs, loop.share.helpers = worth, 2
				var generations []*Generation
				var forms []*digits
				for i := range 8 {
					r := plain(i, 5+i, 60)
					r.Sampling = ask.Sampling{Temperature: float32(i % 3), TopK: 7 * (i % 2), Seed: uint32(i), MinP: 0.01}
					r.IgnoreEOS = i%4 == 0
					r.MinTokens = i % 3 * 100
					form := &digits{left: 10 + i}
					job := Job{Request: r, Constraint: form}
					if i == 7 {
						job.Constraint = nil
					}
					forms, generations = append(forms, form), append(generations, submitJob(t, loop, job))
					for !together && loop.step() {
					}
				}
				for loop.step() {
				}
				for i, g := range generations[:7] {
					tokens, _ := ready(g, 1000)
					if f := g.Finish(); f.Reason != ask.FinishStop || len(tokens) != 10+i {
						t.Errorf("generation %d: %d tokens, %+v", i, len(tokens), f)
					}
					if slices.ContainsFunc(tokens, func(c engine.Token) bool { return c < '0' || c > '9' }) {
						t.Errorf("generation %d: %v", i, tokens)
					}
					if forms[i].asked != len(tokens)+1 {
						t.Errorf("generation %d: asked %d times for %d tokens", i, forms[i].asked, len(tokens)+1)
					}
					if first, ok := alone[i]; !ok {
						alone[i] = tokens
					} else if !slices.Equal(first, tokens) {
						t.Errorf("generation %d: %v, at first %v", i, tokens, first)
					}
				}
				loop.share.running.Wait()
			})
		}
	}
}

// TestConstraintsOfARunningLoop is the same for the race detector, with clients
// that go away.
func TestConstraintsOfARunningLoop(t *testing.T) {
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 4 * 128}, Config{MaxSequences: 4})
	var generations []*Generation
	for i := range 24 {
		r := plain(i, 5, 60)
		r.Sampling.Temperature = float32(i % 2)
		generations = append(generations, submitJob(t, loop, Job{Request: r, Constraint: &digits{left: 20 + i}}))
	}
	for i, g := range generations {
		if i%5 == 4 {
			g.Cancel()
		}
		tokens, f := collect(g)
		if f.Reason != ask.FinishAborted && (f.Reason != ask.FinishStop || len(tokens) != 20+i) {
			t.Errorf("%d tokens, %+v", len(tokens), f)
		}
	}
}

// dead is a form that nothing goes on with.
type dead struct{}

func (dead) Allowed() []uint64 { return make([]uint64, (enginetest.VocabSize+63)/64) }
func (dead) Accept(ask.Token)  { panic("nothing was allowed") }

func TestNothingAllowedEndsTheGeneration(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 512}, Config{MaxSequences: 2})
	forbidding := plain(1, 5, 10)
	for token := range engine.Token(enginetest.VocabSize) {
		forbidding.Sampling.Bias = append(forbidding.Sampling.Bias, ask.Bias{Token: token, Add: float32(math.Inf(-1))})
	}
	for want, g := range map[error]*Generation{
		ErrFormStuck:      submitJob(t, loop, Job{Request: plain(1, 5, 10), Constraint: dead{}}),
		ErrBiasForbidsAll: submit(t, loop, forbidding),
	} {
		for loop.step() {
		}
		if _, ended := ready(g, 1); !ended || g.Finish().Reason != ask.FinishError || !errors.Is(g.Finish().Err, want) {
			t.Errorf("ended %v: %+v, want %v", ended, g.Finish(), want)
		}
	}
}

func TestMinTokensPutOffTheEnd(t *testing.T) {
	model := enginetest.Options{Next: func([]engine.Token) engine.Token { return enginetest.EOS }}
	loop, _ := stepped(t, model, engine.ContextConfig{ContextTokens: 512}, Config{MaxSequences: 2})
	for _, least := range []int{0, 1, 7} {
		r := plain(1, 5, 20)
		r.MinTokens = least
		g := submit(t, loop, r)
		for loop.step() {
		}
		if tokens, _ := ready(g, 100); len(tokens) != least || g.Finish().Reason != ask.FinishStop {
			t.Errorf("%d tokens, at least %d were asked for: %+v", len(tokens), least, g.Finish())
		}
	}
}

var _ sampling.Constraint = (*digits)(nil)

// waiting is a form that allows all until a token comes, and then is another.
type waiting struct {
	sampling.Constraint
	until engine.Token
	holds bool
}

func (w *waiting) Free() bool { return !w.holds }

func (w *waiting) Allowed() []uint64 {
	if w.holds {
		return w.Constraint.Allowed()
	}
	return nil
}

func (w *waiting) Accept(token ask.Token) {
	if w.holds {
		w.Constraint.Accept(token)
	}
	w.holds = w.holds || token == w.until
}

// While a form waits, an end that is to be ignored is; once it holds, it ends the
// generation with it.
func TestAWaitingConstraintIsNone(t *testing.T) {
	const from = 10 // tokens of the prompt, and some ends
	model := enginetest.Options{Next: func(tokens []engine.Token) engine.Token {
		if len(tokens) == from {
			return 'x'
		}
		return enginetest.EOS
	}}
	loop, _ := stepped(t, model, engine.ContextConfig{ContextTokens: 512}, Config{MaxSequences: 2})
	r := plain(1, 5, 60)
	r.IgnoreEOS = true
	g := submitJob(t, loop, Job{Request: r, Constraint: &waiting{Constraint: &digits{left: 7}, until: 'x'}})
	for loop.step() {
	}
	tokens, _ := ready(g, 100)
	if f := g.Finish(); f.Reason != ask.FinishStop || len(tokens) != from-5+1+7 || tokens[from-5] != 'x' || tokens[0] != enginetest.EOS {
		t.Errorf("%v, %+v", tokens, f)
	}
}
