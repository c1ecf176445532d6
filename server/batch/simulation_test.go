package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/kvstore"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

var errInjected = errors.New("injected fault")

// simulation drives a stepped loop by a seed: requests, steps, slow readers,
// cancellation, what is saved and restored of slots, engine faults and deaths of the
// process in random order, with all invariants checked after each step.
type simulation struct {
	t         *testing.T
	random    *rand.Rand
	open      func() // makes loop and model
	wait      func() // until who uses slots waits or is done
	loop      *Loop
	model     *enginetest.Model // nil for the real engine
	reference reference
	faulty    bool
	tenants   bool // requests are of several tiers and keys
	greedy    bool // all are
	requests  []*simulated
	over      []*simulated // of loops before this one, and ended
	calls     []*slotUse
	files     []savedSlot
	spoil     bool           // states are the fake's: some are spoilt
	reached   map[string]int // what schedules are to come to, how often
}

// reference is what a request alone gives, as far as limit tokens, and whether its end
// came by then. ties, if not nil, says of which of them another token is as likely, but
// for rounding.
type reference func(r *ask.Request, limit int) (tokens []engine.Token, ties []bool, ended bool)

// alone is the reference of a fake.
func alone(m *enginetest.Model) reference {
	return func(r *ask.Request, limit int) (tokens []engine.Token, ties []bool, ended bool) {
		tokens, ended = enginetest.Reference(m, r.Prompt.Tokens, r.Sampling, limit)
		return tokens, nil, ended
	}
}

// simulated is a request and what its reader has seen.
type simulated struct {
	request    *ask.Request
	generation *Generation
	tokens     []engine.Token
	cancelled  bool
	ended      bool
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{t: t, random: rand.New(rand.NewPCG(seed, seed)), wait: synctest.Wait, spoil: true, reached: make(map[string]int)}
	opts := enginetest.Options{
		Delay: func(b *engine.Batch) time.Duration {
			return time.Millisecond + time.Duration(b.Len())*50*time.Microsecond
		},
		EndEvery: s.random.IntN(60), NoState: s.random.IntN(4) == 0, NoCopies: s.random.IntN(4) == 0, NoPartialRemoval: s.random.IntN(4) == 0,
	}
	if s.random.IntN(2) == 0 {
		opts.CacheTokens = 40 + s.random.IntN(200)
	}
	if s.random.IntN(2) == 0 {
		s.faulty = true
		faults := rand.New(rand.NewPCG(seed, 1))
		opts.Fault = func(int, *engine.Batch) error {
			switch faults.IntN(60) {
			case 0:
				return errInjected
			case 1, 2, 3:
				return fmt.Errorf("injected: %w", engine.ErrNoCacheSpace)
			case 4:
				s.loop.judge(s.loop.counters.decodingSince.Load(), 24*time.Hour)
			}
			return nil
		}
		opts.LogitsFault = func(int) error {
			if faults.IntN(300) == 0 {
				return errInjected
			}
			return nil
		}
	}
	s.tenants = s.random.IntN(2) == 0
	opts.NoState = s.random.IntN(3) == 0
	sequences := 1 + s.random.IntN(8)
	context := engine.ContextConfig{ContextTokens: sequences * 128, BatchTokens: sequences + s.random.IntN(64)}
	cfg := s.config(sequences)
	helped := s.random.IntN(2) == 0
	drafts, model, pacing := simulatedDrafts(s.random, &opts)
	cfg.Draft, cfg.DraftModel = drafts, model
	s.open = func() {
		cfg.Pacing = pacing // or a new one
		s.loop, s.model = stepped(t, opts, context, cfg)
		s.loop.stored.faster = func(int, kvstore.Found) bool { return s.random.IntN(8) > 0 }
		if helped {
			s.loop.share.worthNs = 0 // helpers sample in each step of two or more
		}
	}
	s.open()
	s.reference = alone(s.model)
	return s
}

// config draws a loop's bounds.
func (s *simulation) config(sequences int) Config {
	return Config{
		MaxSequences:     sequences,
		QueueLimit:       1 + s.random.IntN(10),
		RingTokens:       1 << s.random.IntN(6),
		PrefillTokens:    1 + s.random.IntN(40),
		TopLogprobsBytes: 8 * 3 * (1 + s.random.IntN(16)),
		NoPrefixCache:    s.random.IntN(4) == 0,
		PrefixPerTenant:  s.random.IntN(4) == 0,
		CacheBytes:       s.random.IntN(3) * 1500,
	}
}

// act does one random thing.
func (s *simulation) act() {
	switch s.random.IntN(9) {
	case 0, 1:
		s.submit(s.draw())
	case 2, 3, 4:
		s.step()
	case 5, 6:
		if len(s.requests) > 0 {
			s.read(s.requests[s.random.IntN(len(s.requests))])
		}
	case 7:
		if len(s.requests) > 0 && s.random.IntN(3) == 0 {
			r := s.requests[s.random.IntN(len(s.requests))]
			r.generation.Cancel()
			r.cancelled = true
		}
	case 8:
		s.useSlot()
	}
}

// draw makes a request.
func (s *simulation) draw() *ask.Request {
	r := &ask.Request{
		Prompt:      ask.Prompt{Tokens: prompt(s.random.IntN(1000), 1+s.random.IntN(100))},
		MaxTokens:   s.random.IntN(40),
		TopLogprobs: s.random.IntN(4) - 1,
		IgnoreEOS:   false,
		Sampling:    ask.Sampling{Temperature: float32(s.random.IntN(2)), Seed: s.random.Uint32()},
		Echo:        s.random.IntN(4) == 0,
		Keep:        s.random.IntN(3) == 0,
		MostDraft:   s.random.IntN(20) - 1,
	}
	if s.random.IntN(5) == 0 {
		r.Slot = 1 + s.random.IntN(s.loop.config.MaxSequences)
	}
	r.Tenant.Name = []string{"a", "b"}[s.random.IntN(2)]
	r.Reuse = []ask.Reuse{ask.ReuseAsServed, ask.ReuseAsServed, ask.ReuseAlways, ask.ReuseNever}[s.random.IntN(4)]
	if n := len(s.requests); n > 0 && s.random.IntN(3) > 0 { // it goes on from another one
		before := s.requests[s.random.IntN(n)]
		r.Prompt.Tokens = append(slices.Clone(before.request.Prompt.Tokens[:min(90, len(before.request.Prompt.Tokens))]), r.Prompt.Tokens[:1+s.random.IntN(len(r.Prompt.Tokens))]...)
		r.Prompt.Tokens = r.Prompt.Tokens[:min(100, len(r.Prompt.Tokens))]
	} else if n := len(s.files); n > 0 && s.random.IntN(2) == 0 { // or from what was saved
		r.Prompt.Tokens = append(slices.Clone(s.files[s.random.IntN(n)].tokens), r.Prompt.Tokens...)
		r.Prompt.Tokens = r.Prompt.Tokens[:min(100, len(r.Prompt.Tokens))]
	}
	if s.random.IntN(8) == 0 {
		r.TimeoutNs = int64(1+s.random.IntN(60)) * int64(time.Millisecond)
	}
	if s.random.IntN(8) == 0 {
		r.TPOTNs = int64(1+s.random.IntN(5)) * int64(time.Millisecond)
	}
	if s.tenants {
		r.Tenant = ask.Tenant{
			Tier: ask.Tier(s.random.IntN(3) - 1), Name: fmt.Sprint(s.random.IntN(3)), Weight: s.random.IntN(4), Flow: fmt.Sprint(s.random.IntN(2)),
		}
	}
	if s.random.IntN(3) == 0 {
		r.Sampling.Penalties = ask.Penalties{LastTokens: s.random.IntN(50) - 1, Repeat: 1.5, Frequency: 0.5}
		r.Sampling.DRY = ask.DRY{Multiplier: 2, Base: 1.5, AllowedLength: 1, LastTokens: -1}
	}
	if s.greedy {
		r.Sampling = ask.Sampling{}
		r.MaxTokens = 1 + s.random.IntN(24) // the real engine takes its time
	}
	return r
}

func (s *simulation) submit(r *ask.Request) {
	living := 0
	for _, other := range s.requests {
		if !other.generation.ended.Load() {
			living++
		}
	}
	g, err := s.loop.Submit(r)
	full := living >= s.loop.config.MaxSequences+s.loop.config.QueueLimit
	if full {
		// There may be room for this key's all the same.
		full = errors.Is(err, ErrQueueFull) || living >= s.loop.config.bounds().MostRequests()
	}
	switch {
	case full && !errors.Is(err, ErrQueueFull):
		s.t.Fatalf("Submit with %d living: %v", living, err)
	case !full && err != nil:
		s.t.Fatalf("Submit with %d living: %v", living, err)
	case err == nil:
		s.requests = append(s.requests, &simulated{request: r, generation: g})
	}
}

func (s *simulation) read(r *simulated) {
	var tokens []engine.Token
	ended := r.ended
	tokens, r.ended = ready(r.generation, 1+s.random.IntN(8))
	r.tokens = append(r.tokens, tokens...)
	if ended && (len(tokens) > 0 || !r.ended) {
		s.t.Fatal("a generation went on after its end")
	}
}

func (s *simulation) step() {
	s.loop.serveSlots()
	s.endUses()
	s.loop.step()
	s.checkLoop()
	if s.random.IntN(400) == 0 {
		s.die()
	}
}

// checkLoop checks all that is always to be so between two steps.
func (s *simulation) checkLoop() {
	l := s.loop
	cached, ids := 0, make(map[engine.SequenceID]bool)
	for _, g := range l.live {
		q := &g.seq
		cached += q.cached
		if ids[q.id] || q.id < 0 || q.ended || q.pending() < 1 || len(q.tokens) >= q.limit {
			s.t.Fatalf("live sequence in a bad state: %+v", q)
		}
		ids[q.id] = true
	}
	for _, id := range l.free {
		if ids[id] {
			s.t.Fatalf("sequence %d is free and live", id)
		}
		ids[id] = true
	}
	if !slices.IsSortedFunc(l.free, func(a, b engine.SequenceID) int { return int(b - a) }) {
		s.t.Fatalf("free sequences %v", l.free)
	}
	kept := 0
	for id, p := range l.places {
		if p.tokens != nil {
			kept++
			cached += len(p.tokens)
			if !slices.Contains(l.free, engine.SequenceID(id)) {
				s.t.Fatalf("something is left in place %d, which is not free", id)
			}
			if got := l.prefixes.Len(id); got != len(p.tokens) {
				s.t.Fatalf("place %d has %d tokens, the tree %d", id, len(p.tokens), got)
			}
		}
		if live := slices.ContainsFunc(l.live, func(g *Generation) bool { return int(g.seq.id) == id }); live != p.live {
			s.t.Fatalf("place %d live: %v, marked %v", id, live, p.live)
		}
	}
	for _, g := range l.live {
		q := &g.seq
		if got := l.prefixes.Len(int(q.id)); q.stays && got != min(q.cached, q.prompt) || !q.stays && got != 0 {
			s.t.Fatalf("%d tokens of a prompt of %d are computed, the tree has %d", q.cached, q.prompt, got)
		}
	}
	if kept != l.kept {
		s.t.Fatalf("%d places with something in them, the loop counts %d", kept, l.kept)
	}
	if len(ids) != l.config.MaxSequences {
		s.t.Fatalf("%d sequence ids of %d", len(ids), l.config.MaxSequences)
	}
	if s.model == nil {
		// The real cache does not tell.
	} else if got := s.model.CachedTokens(); got != cached {
		s.t.Fatalf("the cache holds %d tokens, the loop counts %d", got, cached)
	}
	s.count()
}

// settle reads everything to its end.
func (s *simulation) settle() {
	for range 200_000 {
		s.step()
		open := 0
		for _, r := range s.requests {
			if !r.ended {
				s.read(r)
				open++
			}
		}
		if open == 0 && len(s.calls) == 0 {
			return
		}
	}
	s.t.Fatal("generations do not end")
}

// begins checks that a request has had the first tokens of what it gives alone, each
// once, and returns all of them; parted says that it went on otherwise where another
// token was as likely.
func (r *simulated) begins(t *testing.T, of reference, limits engine.Limits) (want []engine.Token, ended, parted bool) {
	t.Helper()
	want, ties, ended := of(r.request, limits.SequenceTokens)
	at := 0
	for at < min(len(r.tokens), len(want)) && r.tokens[at] == want[at] {
		at++
	}
	switch {
	case at == len(r.tokens):
	case at < len(ties) && ties[at]:
		return want, ended, true
	default:
		t.Errorf("tokens %v, alone %v", r.tokens, want)
	}
	return want, ended, false
}

// check compares a finished request with the reference. A cache that holds so many
// tokens, 0 for all, may have ended it.
func (r *simulated) check(t *testing.T, of reference, cacheTokens int, limits engine.Limits, faulty bool) {
	t.Helper()
	f := r.generation.Finish()
	checkSpent(t, &f)
	want, ended, parted := r.begins(t, of, limits)
	if f.CompletionTokens != len(r.tokens) {
		t.Errorf("%d tokens, %d by the finish", len(r.tokens), f.CompletionTokens)
	}
	switch f.Reason {
	case ask.FinishStop:
		if !parted && (!ended || len(r.tokens) != len(want)) {
			t.Errorf("stopped after %d, alone after %d", len(r.tokens), len(want))
		}
	case ask.FinishLength:
		total := len(r.request.Prompt.Tokens) + len(r.tokens)
		full := total == limits.SequenceTokens || total > cacheTokens && cacheTokens > 0
		if len(r.tokens) != r.request.MaxTokens && !full && !faulty {
			t.Errorf("length reached at %d of %d, prompt %d", len(r.tokens), r.request.MaxTokens, len(r.request.Prompt.Tokens))
		}
	case ask.FinishAborted:
		late := f.Err != nil && r.request.TimeoutNs > 0
		if !r.cancelled && !late {
			t.Errorf("aborted, not cancelled: %v", f.Err)
		}
	case ask.FinishError:
		tooLarge := errors.Is(f.Err, engine.ErrNoCacheSpace) && cacheTokens > 0 && len(r.request.Prompt.Tokens) > cacheTokens
		if f.Err == nil || !faulty && !tooLarge {
			t.Errorf("error %v", f.Err)
		}
	}
}
