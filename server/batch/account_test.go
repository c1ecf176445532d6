package batch

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/weirgo/weir/sched/record"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// checkSpent checks that what a generation spent is all of its time, each part once.
func checkSpent(t *testing.T, f *Finish) {
	t.Helper()
	s := &f.Spent
	if got := time.Duration(s.First.Sum()); got != f.Prefill {
		t.Errorf("parts %+v are %v until the first token, want %v", s.First, got, f.Prefill)
	}
	if got := time.Duration(s.After.Sum()); got != f.Decode {
		t.Errorf("parts %+v are %v from there on, want %v", s.After, got, f.Decode)
	}
	for _, p := range []*ask.Parts{&s.First, &s.After, &s.Worst.Parts} {
		p.Named(func(name string, ns int64) {
			if ns < 0 {
				t.Errorf("%s is negative: %+v", name, s)
			}
		})
	}
	if s.Worst.Sum() > s.After.Sum() {
		t.Errorf("the longest gap %+v is longer than all of them: %+v", s.Worst, s.After)
	}
}

// lifetime is a made-up one of a sequence, of which each ns has a label.
type lifetime struct {
	random *rand.Rand
	now    int64
	want   ask.Parts // since the admission
	seq    account
	spent  ask.Spent
	steps  uint64
	member uint64 // the last step that it had a part in
	tokens int
	late   ask.Gap // the longest gap
	gap    ask.Parts
}

// some is a stretch of time.
func (l *lifetime) some() int64 { return l.random.Int64N(1000) }

// label says where a stretch that has passed belongs.
func (l *lifetime) label(part func(*ask.Parts) *int64, ns int64) {
	*part(&l.want) += ns
	*part(&l.gap) += ns
	l.now += ns
}

func waits(p *ask.Parts) *int64    { return &p.Wait }
func behind(p *ask.Parts) *int64   { return &p.Reader }
func decoding(p *ask.Parts) *int64 { return &p.Decode }
func drawing(p *ask.Parts) *int64  { return &p.Sampling }
func around(p *ask.Parts) *int64   { return &p.Engine }
func late(p *ask.Parts) *int64     { return &p.Delayed }

// step is one that it has a part in. admitted says that this is where it begins.
func (l *lifetime) step(between int64, admitted, token bool) {
	l.steps++
	s := span{number: l.steps, began: l.now, between: between, rows: 8, prompts: l.random.IntN(8)}
	if admitted {
		l.now += l.some()
		l.seq.mark = l.now
	}
	l.label(around, l.some())
	s.decode, s.sampling = 8*l.some(), l.some() // by rows without a remainder
	l.label(decoding, s.decode)
	if l.random.IntN(3) == 0 { // in the decode, which takes longer for it
		s.delayed = l.some()
		l.label(late, s.delayed)
	}
	l.label(drawing, s.sampling)
	for _, p := range []*ask.Parts{&l.want, &l.gap} {
		others := s.decode / int64(s.rows) * int64(s.prompts)
		p.Prompts, p.Decode = p.Prompts+others, p.Decode-others
	}
	s.decode += s.delayed
	s.end = l.now
	l.seq.took(&s, 0)
	l.member = l.steps
	if token {
		l.seq.token(&l.spent, l.tokens, started)
		if l.tokens > 0 && l.gap.Sum() > l.late.Sum() {
			l.late = ask.Gap{Token: l.tokens, End: started, Parts: l.gap}
		}
		l.tokens, l.gap = l.tokens+1, ask.Parts{}
	}
}

// pass is what comes between two steps of it: others' steps, a reader that is behind,
// decodes that are no step's. It returns how long the latter took since the last step.
func (l *lifetime) pass() (between int64) {
	switch l.random.IntN(4) {
	case 0: // what follows from a step
		l.label(around, l.some())
	case 1: // steps of others
		for range 1 + l.random.IntN(3) {
			l.steps++
			l.label(waits, l.some())
		}
	case 2: // its reader, which the steps of others find behind
		l.label(waits, l.some())
		l.seq.fell(l.now)
		for range 1 + l.random.IntN(3) {
			l.steps++
			l.label(behind, l.some())
		}
		l.seq.caught(l.now)
	case 3: // embeddings
		between = l.some()
		l.label(waits, between)
		l.label(around, l.some())
	}
	return between
}

// TestAccount holds made-up lifetimes against the labels of their moments.
func TestAccount(t *testing.T) {
	for seed := range uint64(1000) {
		l := &lifetime{random: rand.New(rand.NewPCG(seed, 14)), now: 1}
		l.steps = l.random.Uint64N(3)
		l.step(0, true, l.random.IntN(2) == 0)
		for range l.random.IntN(20) {
			l.step(l.pass(), false, l.random.IntN(3) > 0)
		}
		if l.random.IntN(2) == 0 {
			l.label(around, l.some()) // it ends in its last step
		} else {
			l.steps++
			l.label(waits, l.some()) // it is cancelled later
		}
		l.seq.close(l.now, l.steps, &l.spent, l.tokens > 0)
		got := l.spent.First
		got.Add(&l.spent.After)
		if got != l.want {
			t.Fatalf("seed %d: %+v, want %+v", seed, got, l.want)
		}
		if l.spent.Worst != l.late {
			t.Fatalf("seed %d: the longest gap is %+v, want %+v", seed, l.spent.Worst, l.late)
		}
	}
}

// TestAccountNeverAdmitted: who waits in the queue is in none of the parts.
func TestAccountNeverAdmitted(t *testing.T) {
	var a account
	var spent ask.Spent
	if a.close(1000, 3, &spent, false); spent != (ask.Spent{}) {
		t.Errorf("spent %+v", spent)
	}
}

// TestSpentOfSlowReader: a reader that takes nothing is in its part, and nobody
// else's is.
func TestSpentOfSlowReader(t *testing.T) {
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 64}, Config{MaxSequences: 2, RingTokens: 4})
	slow := submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt(1, 5)}, MaxTokens: 20, TopLogprobs: -1})
	for loop.Stats().Paused == 0 {
		fast := submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt(2, 5)}, MaxTokens: 3, TopLogprobs: -1})
		_, f := collect(fast)
		checkSpent(t, &f)
		if f.Spent.After.Reader != 0 {
			t.Errorf("the reader that takes all: %+v", f.Spent)
		}
	}
	_, f := collect(slow)
	checkSpent(t, &f)
	if f.Spent.After.Reader == 0 {
		t.Errorf("the reader that takes nothing: %+v", f.Spent)
	}
	if got := loop.Stats().Spent; got.Reader == 0 || got.Sum() == 0 {
		t.Errorf("the loop's sum: %+v", got)
	}
}

// The engine goroutine says who it is, to who asks for its records.
func TestGoroutine(t *testing.T) {
	l, _ := open(t, enginetest.Options{}, engine.ContextConfig{}, Config{MaxSequences: 1})
	for l.Goroutine() == 0 {
		runtime.Gosched()
	}
	if l.Goroutine() == record.Goroutine() {
		t.Error("it is this one")
	}
}
