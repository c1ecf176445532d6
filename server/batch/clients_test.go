package batch

import (
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// TestManyClients is what TestSchedules does, with real goroutines on a running loop, for the
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
	r.check(t, alone(model), model.CacheLimit(), loop.Limits(), true)
}
