package batch

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

var errInjected = errors.New("injected fault")

// simulation drives a stepped loop by a seed: requests, steps, slow readers,
// cancellation and engine faults in random order, with all invariants checked
// after each step.
type simulation struct {
	t        *testing.T
	random   *rand.Rand
	loop     *Loop
	model    *enginetest.Model
	faulty   bool
	tenants  bool // requests are of several tiers and keys
	requests []*simulated
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
	s := &simulation{t: t, random: rand.New(rand.NewPCG(seed, seed))}
	opts := enginetest.Options{
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
	s.loop, s.model = stepped(t, opts,
		engine.ContextConfig{ContextTokens: sequences * 128, BatchTokens: sequences + s.random.IntN(64)},
		Config{
			MaxSequences:     sequences,
			QueueLimit:       1 + s.random.IntN(10),
			RingTokens:       1 << s.random.IntN(6),
			PrefillTokens:    1 + s.random.IntN(40),
			TopLogprobsBytes: 8 * 3 * (1 + s.random.IntN(16)),
			NoPrefixCache:    s.random.IntN(4) == 0,
			PrefixPerTenant:  s.random.IntN(4) == 0,
		})
	if s.random.IntN(2) == 0 {
		s.loop.share.worthNs = 0 // helpers sample in each step of two or more
	}
	return s
}

// act does one random thing.
func (s *simulation) act() {
	switch s.random.IntN(8) {
	case 0, 1:
		s.submit()
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
	}
}

func (s *simulation) submit() {
	r := &ask.Request{
		Prompt:      ask.Prompt{Tokens: prompt(s.random.IntN(1000), 1+s.random.IntN(100))},
		MaxTokens:   s.random.IntN(40),
		TopLogprobs: s.random.IntN(4) - 1,
		IgnoreEOS:   false,
		Sampling:    ask.Sampling{Temperature: float32(s.random.IntN(2)), Seed: s.random.Uint32()},
		Echo:        s.random.IntN(4) == 0,
		Keep:        s.random.IntN(3) == 0,
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
	s.loop.step()
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
	if got := s.model.CachedTokens(); got != cached {
		s.t.Fatalf("the cache holds %d tokens, the loop counts %d", got, cached)
	}
	s.count()
}

// count compares what the loop counts of its generations with those that there are.
func (s *simulation) count() {
	l := s.loop
	saved := 0
	for g := range l.all() {
		saved += cap(g.seq.saved)
	}
	if saved != l.savedBytes {
		s.t.Fatalf("%d bytes are saved, the loop counts %d", saved, l.savedBytes)
	}
	ahead := 0
	for i := range l.pacing.estimate.tiers {
		tier := &l.pacing.estimate.tiers[i]
		ahead += int(tier.requests.Load())
		if n := tier.arriving.Load(); n != 0 {
			s.t.Fatalf("%d prompt tokens of tier %d are on their way", n, i)
		}
	}
	if n := int(l.inFlight.Load()); n != len(l.live)+l.waiting.Len() || n != ahead {
		s.t.Fatalf("%d in flight, %d live, %d waiting", n, len(l.live), l.waiting.Len())
	}
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
		if open == 0 {
			return
		}
	}
	s.t.Fatal("generations do not end")
}

// check compares a finished request with the reference.
func (r *simulated) check(t *testing.T, m *enginetest.Model, limits engine.Limits, faulty bool) {
	t.Helper()
	f := r.generation.Finish()
	want, ended := enginetest.Reference(m, r.request.Prompt.Tokens, r.request.Sampling, limits.SequenceTokens)
	if !slices.Equal(r.tokens, want[:min(len(r.tokens), len(want))]) || f.CompletionTokens != len(r.tokens) {
		t.Errorf("tokens %v (%d by the finish), alone %v", r.tokens, f.CompletionTokens, want)
	}
	switch f.Reason {
	case ask.FinishStop:
		if !ended || len(r.tokens) != len(want) {
			t.Errorf("stopped after %d, alone after %d", len(r.tokens), len(want))
		}
	case ask.FinishLength:
		total := len(r.request.Prompt.Tokens) + len(r.tokens)
		full := total == limits.SequenceTokens || total > m.CacheLimit() && m.CacheLimit() > 0
		if len(r.tokens) != r.request.MaxTokens && !full && !faulty {
			t.Errorf("length reached at %d of %d, prompt %d", len(r.tokens), r.request.MaxTokens, len(r.request.Prompt.Tokens))
		}
	case ask.FinishAborted:
		if !r.cancelled {
			t.Error("aborted, not cancelled")
		}
	case ask.FinishError:
		tooLarge := errors.Is(f.Err, engine.ErrNoCacheSpace) && m.CacheLimit() > 0 && len(r.request.Prompt.Tokens) > m.CacheLimit()
		if f.Err == nil || !faulty && !tooLarge {
			t.Errorf("error %v", f.Err)
		}
	}
}

func TestSimulation(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			for range 600 {
				s.act()
			}
			s.settle()
			for _, r := range s.requests {
				r.check(t, s.model, s.loop.Limits(), s.faulty)
			}
			total := uint64(0)
			for _, n := range s.loop.Stats().Finished {
				total += n
			}
			if total != uint64(len(s.requests)) {
				t.Errorf("%d requests, %d finished", len(s.requests), total)
			}
			if s.loop.room.Tokens() != 0 || s.loop.savedBytes != 0 {
				t.Errorf("%d tokens are left in the room, %d bytes are saved", s.loop.room.Tokens(), s.loop.savedBytes)
			}
		})
	}
}

// TestManyClients is the same with real goroutines on a running loop, for the
// race detector: clients that read, dawdle, cancel and go away.
func TestManyClients(t *testing.T) {
	clients, each := 12, 15
	if testing.Short() {
		clients, each = 6, 8
	}
	faults := rand.New(rand.NewPCG(5, 5))
	loop, model := open(t, enginetest.Options{EndEvery: 80, CacheTokens: 600, Fault: func(int, *engine.Batch) error {
		if faults.IntN(400) == 0 {
			return errInjected
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 8 * 128}, Config{MaxSequences: 8, RingTokens: 8, Log: slog.New(slog.DiscardHandler)})
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 9))
			for range each {
				runClient(t, loop, model, random)
			}
		})
	}
	group.Wait()
	if s := loop.Stats(); s.Finished[ask.FinishStop]+s.Finished[ask.FinishLength] == 0 || s.Waiting != 0 {
		t.Errorf("stats %+v", s)
	}
}

// runClient makes one request and reads it in some way to its end.
func runClient(t *testing.T, loop *Loop, model *enginetest.Model, random *rand.Rand) {
	r := simulated{request: &ask.Request{
		Prompt:      ask.Prompt{Tokens: prompt(random.IntN(1000), 1+random.IntN(60))},
		MaxTokens:   1 + random.IntN(60),
		TopLogprobs: random.IntN(4) - 1,
		Sampling:    ask.Sampling{Temperature: 1, Seed: random.Uint32(), Penalties: ask.Penalties{LastTokens: random.IntN(20), Presence: 1}},
	}}
	var err error
	if r.generation, err = loop.Submit(r.request); err != nil {
		t.Errorf("Submit: %v", err)
		return
	}
	stopAfter := random.IntN(200) // often beyond the end
	dst := make([]Result, 1+random.IntN(10))
	for next := Follow(r.generation); ; {
		n, err := next(dst)
		for _, result := range dst[:n] {
			r.tokens = append(r.tokens, result.Token)
		}
		if err != nil { // io.EOF
			break
		}
		if len(r.tokens) >= stopAfter && !r.cancelled {
			r.cancelled = true
			if random.IntN(2) == 0 { // as who hangs up does
				go r.generation.Cancel()
			} else {
				r.generation.Cancel()
			}
		}
		if random.IntN(20) == 0 {
			for range random.IntN(100) { // dawdles: the engine is ahead
				runtime.Gosched()
			}
		}
	}
	r.check(t, model, loop.Limits(), true)
}
