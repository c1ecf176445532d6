package batch

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// announced submits a request and has it posted to f under its own number.
func announced(t *testing.T, l *Loop, f *mailbox.Feed, owner, limit int) *Generation {
	t.Helper()
	g := submit(t, l, plain(owner, 5, limit))
	announce(f, g, owner)
	return g
}

// announce gives g to f's reader.
func announce(f *mailbox.Feed, g *Generation, owner any) {
	e := new(mailbox.Entry)
	e.Init(f, owner)
	g.Announce(e)
}

// reader takes what a feed names each time it is woken, in a bubble: after
// synctest.Wait it sleeps.
type reader struct {
	feed  *mailbox.Feed
	taken [][]any // owners, one slice a wake-up
	stop  mailbox.Entry
}

func startReader(t *testing.T) *reader {
	r := &reader{feed: mailbox.NewFeed()}
	r.stop.Init(r.feed, nil)
	go func() {
		for {
			r.feed.Wait()
			var owners []any
			for _, e := range r.feed.Take(nil) {
				if e == &r.stop {
					return
				}
				owners = append(owners, e.Owner())
			}
			r.taken = append(r.taken, owners)
		}
	}()
	t.Cleanup(func() { r.stop.Post(); r.feed.Wake() })
	synctest.Wait()
	return r
}

// TestFeedsAreWokenOnceAStep checks one wake-up of each feed a step, after all
// of its posts, whatever the step's size.
func TestFeedsAreWokenOnceAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sequences = 8
		readers := []*reader{startReader(t), startReader(t)}
		loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: sequences * 64}, Config{MaxSequences: sequences})
		all := make([][]any, len(readers))
		for i := range sequences {
			to := i % len(readers)
			announced(t, loop, readers[to].feed, i, 0)
			all[to] = append(all[to], i)
		}
		for step := range 3 {
			for _, r := range readers {
				if synctest.Wait(); len(r.taken) != step {
					t.Fatalf("woken %d times in %d steps", len(r.taken), step)
				}
			}
			loop.step()
			synctest.Wait()
			for i, r := range readers {
				if len(r.taken) != step+1 || !slices.Equal(r.taken[step], all[i]) {
					t.Errorf("step %d: feed %d named %v, want %v at once", step, i, r.taken, all[i])
				}
			}
		}
		if len(loop.dirty) != 0 {
			t.Errorf("%d feeds left for the next step", len(loop.dirty))
		}
	})
}

// TestFeedNamesOnce checks that what is not taken is not named again.
func TestFeedNamesOnce(t *testing.T) {
	const sequences = 4
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: sequences * 64}, Config{MaxSequences: sequences})
	feed := mailbox.NewFeed()
	for i := range sequences {
		announced(t, loop, feed, i, 0)
	}
	if got := feed.Take(nil); len(got) != 0 {
		t.Errorf("%d named before there is anything", len(got))
	}
	loop.step()
	loop.step() // nobody has taken what the first gave
	var owners []any
	for _, e := range feed.Take(nil) {
		owners = append(owners, e.Owner())
	}
	if !slices.Equal(owners, []any{0, 1, 2, 3}) {
		t.Errorf("named %v", owners)
	}
	if rest := feed.Take(nil); len(rest) != 0 {
		t.Errorf("%d named again", len(rest))
	}
}

// TestFeedLearnsOfEverything checks each way in which a generation comes to
// have something to read.
func TestFeedLearnsOfEverything(t *testing.T) {
	for name, event := range map[string]func(*testing.T, *Loop, *mailbox.Feed) *Generation{
		"results before Announce": func(t *testing.T, l *Loop, f *mailbox.Feed) *Generation {
			g := submit(t, l, plain(1, 5, 0))
			l.step()
			announce(f, g, 1)
			return g
		},
		"end before Announce": func(t *testing.T, l *Loop, f *mailbox.Feed) *Generation {
			g := submit(t, l, plain(1, 5, 1))
			l.step()
			ready(g, 1)
			announce(f, g, 1)
			return g
		},
		"results": func(t *testing.T, l *Loop, f *mailbox.Feed) *Generation {
			g := announced(t, l, f, 1, 0)
			l.step()
			return g
		},
		"cancelled while waiting": func(t *testing.T, l *Loop, f *mailbox.Feed) *Generation {
			g := announced(t, l, f, 1, 0)
			g.Cancel()
			if l.step() {
				t.Error("decoded a cancelled request")
			}
			return g
		},
		"close": func(t *testing.T, l *Loop, f *mailbox.Feed) *Generation {
			g := announced(t, l, f, 1, 0)
			l.closing.Store(true)
			l.endSubmitted()
			return g
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startReader(t)
				loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1})
				g := event(t, loop, r.feed)
				if synctest.Wait(); len(r.taken) != 1 || !slices.Equal(r.taken[0], []any{1}) {
					t.Fatalf("named %v", r.taken)
				}
				if tokens, ended := ready(g, 64); len(tokens) == 0 && !ended {
					t.Error("nothing to read")
				}
			})
		})
	}
}

// TestUnreadGenerationPauses checks that the feed's reader may leave one alone.
func TestUnreadGenerationPauses(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 128}, Config{MaxSequences: 2, RingTokens: 4})
	feed := mailbox.NewFeed()
	left, read := announced(t, loop, feed, 1, 0), announced(t, loop, feed, 2, 0)
	total := 0
	for range 20 {
		loop.step()
		for _, e := range feed.Take(nil) {
			if e.Owner() == 2 {
				tokens, _ := ready(read, 64)
				total += len(tokens)
			}
		}
	}
	if !left.seq.paused || total != 20 {
		t.Fatalf("paused %v; the other read %d tokens in 20 steps", left.seq.paused, total)
	}
	if tokens, _ := ready(left, 64); len(tokens) != 4 {
		t.Errorf("%d tokens waited", len(tokens))
	}
	loop.step()
	if !slices.ContainsFunc(feed.Take(nil), func(e *mailbox.Entry) bool { return e.Owner() == 1 }) {
		t.Error("not named after it went on")
	}
}

func TestFeedAllocates(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64 * 1024}, Config{MaxSequences: 64})
	feed := mailbox.NewFeed()
	for i := range 64 {
		g := submit(t, loop, plain(i, 5, 0))
		announce(feed, g, g)
		roomy(g)
	}
	var dst [8]Result
	var taken []*mailbox.Entry
	round := func() {
		loop.step()
		taken = feed.Take(taken[:0])
		for _, e := range taken {
			e.Owner().(*Generation).Poll(dst[:])
		}
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a step of 64 sequences", n)
	}
}

// TestFeedReadsManyClients compares every generation, read by one goroutine,
// with the reference. Half are announced when they run already.
func TestFeedReadsManyClients(t *testing.T) {
	const clients, rounds = 16, 8
	loop, model := open(t, enginetest.Options{EndEvery: 30}, engine.ContextConfig{ContextTokens: 4 * 128},
		Config{MaxSequences: 4, QueueLimit: clients, RingTokens: 4})
	type reading struct {
		mailbox.Entry
		generation *Generation
		tokens     []engine.Token
		ended      bool
		done       chan struct{}
	}
	feed := mailbox.NewFeed()
	var stop mailbox.Entry
	stop.Init(feed, nil)
	var group sync.WaitGroup
	group.Go(func() {
		var taken []*mailbox.Entry
		for {
			feed.Wait()
			taken = feed.Take(taken[:0])
			for _, e := range taken {
				if e == &stop {
					return
				}
				r := e.Owner().(*reading)
				if r.ended {
					continue
				}
				var tokens []engine.Token
				tokens, r.ended = ready(r.generation, 64)
				r.tokens = append(r.tokens, tokens...)
				if r.ended {
					close(r.done)
				}
			}
		}
	})
	var readers sync.WaitGroup
	for c := range clients {
		readers.Go(func() {
			for i := range rounds {
				request := plain(100*c+i, 1+c, 40)
				g, err := loop.Submit(request)
				if err != nil {
					t.Error(err)
					return
				}
				r := &reading{generation: g, done: make(chan struct{})}
				r.Init(feed, r)
				for ended := i%2 == 0; !ended && len(r.tokens) == 0; runtime.Gosched() {
					r.tokens, ended = ready(g, 1)
				}
				g.Announce(&r.Entry)
				<-r.done
				checkOutput(t, model, loop.Limits(), request, r.tokens, g.Finish())
			}
		})
	}
	readers.Wait()
	stop.Post()
	feed.Wake()
	group.Wait()
}
