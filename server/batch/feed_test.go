package batch

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// signalled takes the feed's token, if there is one.
func signalled(f *Feed) bool {
	select {
	case <-f.Ready():
		return true
	default:
		return false
	}
}

// announced submits a request and gives it to the feed under its own number.
func announced(t *testing.T, l *Loop, owner, limit int) *Generation {
	t.Helper()
	g := submit(t, l, plain(owner, 5, limit))
	g.Announce(owner)
	return g
}

// polled reads what is there.
func polled(t *testing.T, g *Generation) (tokens []engine.Token, ended bool) {
	t.Helper()
	for {
		var dst [4]Result
		n, err := g.Poll(dst[:])
		for _, r := range dst[:n] {
			tokens = append(tokens, r.Token)
		}
		switch {
		case err == io.EOF:
			return tokens, true
		case err != nil:
			t.Fatalf("Poll: %v", err)
		case n == 0:
			return tokens, false
		}
	}
}

// TestFeedNamesEachOnceAStep checks one wake-up a step, whatever its size.
func TestFeedNamesEachOnceAStep(t *testing.T) {
	const sequences = 8
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: sequences * 64}, Config{MaxSequences: sequences})
	feed := loop.Feed()
	var all []*Generation
	for i := range sequences {
		all = append(all, announced(t, loop, i, 0))
	}
	if signalled(feed) {
		t.Error("signalled before there is anything")
	}
	for range 3 {
		loop.step()
		loop.step() // nobody has taken what the first gave
		if !signalled(feed) || signalled(feed) {
			t.Error("not one signal")
		}
		got := feed.Take(nil)
		if !slices.Equal(got, all) {
			t.Errorf("%d of %d announced, or out of order", len(got), len(all))
		}
		for i, g := range got {
			if tokens, _ := polled(t, g); len(tokens) != 2 || g.Owner() != i {
				t.Errorf("generation %v has %d tokens of 2 steps", g.Owner(), len(tokens))
			}
		}
		if rest := feed.Take(nil); len(rest) != 0 {
			t.Errorf("%d announced again", len(rest))
		}
	}
}

// TestFeedLearnsOfEverything checks each way in which a generation comes to
// have something to read.
func TestFeedLearnsOfEverything(t *testing.T) {
	for name, event := range map[string]func(*testing.T, *Loop) *Generation{
		"results before Announce": func(t *testing.T, l *Loop) *Generation {
			g := submit(t, l, plain(1, 5, 0))
			l.step()
			g.Announce(nil)
			return g
		},
		"end before Announce": func(t *testing.T, l *Loop) *Generation {
			g := submit(t, l, plain(1, 5, 1))
			l.step()
			ready(t, g, 1)
			g.Announce(nil)
			return g
		},
		"results": func(t *testing.T, l *Loop) *Generation {
			g := announced(t, l, 1, 0)
			l.step()
			return g
		},
		"cancelled while waiting": func(t *testing.T, l *Loop) *Generation {
			g := announced(t, l, 1, 0)
			g.Cancel()
			if l.step() {
				t.Error("decoded a cancelled request")
			}
			return g
		},
		"cancelled by its context": func(t *testing.T, l *Loop) *Generation {
			ctx, cancel := context.WithCancel(t.Context())
			g, err := l.Submit(ctx, plain(1, 5, 0))
			if err != nil {
				t.Fatal(err)
			}
			g.Announce(nil)
			cancel()
			for !g.cancelled.Load() { // the context tells in a goroutine
				time.Sleep(time.Millisecond)
			}
			l.step()
			return g
		},
		"close": func(t *testing.T, l *Loop) *Generation {
			g := announced(t, l, 1, 0)
			l.closing.Store(true)
			for _, w := range l.waiting {
				l.finish(w, FinishAborted, ErrClosed)
			}
			l.receive()
			for _, w := range l.waiting {
				l.finish(w, FinishAborted, ErrClosed)
			}
			l.waiting = nil
			l.feed.endStep()
			return g
		},
	} {
		t.Run(name, func(t *testing.T) {
			loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64}, Config{MaxSequences: 1})
			g := event(t, loop)
			if !signalled(loop.Feed()) {
				t.Error("not signalled")
			}
			if got := loop.Feed().Take(nil); len(got) != 1 || got[0] != g {
				t.Fatalf("announced %v", got)
			}
			if tokens, ended := polled(t, g); len(tokens) == 0 && !ended {
				t.Error("nothing to read")
			}
		})
	}
}

// TestUnreadGenerationPauses checks that the feed's reader may leave one alone.
func TestUnreadGenerationPauses(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 2 * 128}, Config{MaxSequences: 2, RingTokens: 4})
	left, read := announced(t, loop, 1, 0), announced(t, loop, 2, 0)
	total := 0
	for range 20 {
		loop.step()
		for _, g := range loop.Feed().Take(nil) {
			if g == read {
				tokens, _ := polled(t, g)
				total += len(tokens)
			}
		}
	}
	if !left.seq.paused || total != 20 {
		t.Fatalf("paused %v; the other read %d tokens in 20 steps", left.seq.paused, total)
	}
	if tokens, _ := polled(t, left); len(tokens) != 4 {
		t.Errorf("%d tokens waited", len(tokens))
	}
	loop.step()
	if got := loop.Feed().Take(nil); !slices.Contains(got, left) {
		t.Error("not announced after it went on")
	}
}

func TestFeedAllocates(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64 * 1024}, Config{MaxSequences: 64})
	for i := range 64 {
		announced(t, loop, i, 0)
	}
	var dst [8]Result
	var taken []*Generation
	round := func() {
		loop.step()
		taken = loop.Feed().Take(taken[:0])
		for _, g := range taken {
			g.Poll(dst[:])
		}
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a step of 64 sequences", n)
	}
}

// TestFeedReadsManyClients compares every generation, read by one goroutine
// after its first token, with the reference.
func TestFeedReadsManyClients(t *testing.T) {
	const clients, rounds = 16, 8
	loop, model := open(t, enginetest.Options{EndEvery: 30}, engine.ContextConfig{ContextTokens: 4 * 128},
		Config{MaxSequences: 4, QueueLimit: clients, RingTokens: 4})
	type reading struct {
		tokens []engine.Token
		ended  bool
		done   chan struct{}
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		var taken []*Generation
		for {
			select {
			case <-loop.Feed().Ready():
			case <-stop:
				return
			}
			taken = loop.Feed().Take(taken[:0])
			for _, g := range taken {
				r := g.Owner().(*reading)
				if r.ended {
					continue
				}
				var tokens []engine.Token
				tokens, r.ended = polled(t, g)
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
				g, err := loop.Submit(t.Context(), request)
				if err != nil {
					t.Error(err)
					return
				}
				r := &reading{done: make(chan struct{})}
				if i%2 == 0 { // read the first as a handler does
					var dst [1]Result
					if n, err := g.Next(t.Context(), dst[:]); err == nil {
						r.tokens = append(r.tokens, dst[:n][0].Token)
					}
				}
				g.Announce(r)
				<-r.done
				checkOutput(t, model, loop.Limits(), request, r.tokens, g.Finish())
			}
		})
	}
	readers.Wait()
	close(stop)
	group.Wait()
}
