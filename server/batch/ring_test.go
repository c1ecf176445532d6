package batch

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// A reader at any pace gets all results in order, also those that wait while the ring
// grows, and no more of them wait than its limit.
func TestRingGrowsUnderItsReader(t *testing.T) {
	const results, limit = 20_000, 256
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 0))
		g := &Generation{loop: new(Loop), topN: -1}
		g.results.init(limit, true)
		if g.results.len() != fewSlots {
			t.Fatalf("%d slots at first", g.results.len())
		}
		var engineSide sync.WaitGroup
		engineSide.Go(func() {
			for sent := 0; sent < results; {
				n := min(g.space(), 1+random.IntN(limit), results-sent)
				for i := range n {
					g.results.set(g.next(i), engine.Token(sent+i))
				}
				g.put(n)
				if sent += n; n == 0 {
					runtime.Gosched()
				}
			}
		})
		var dst [40]Result
		for got := 0; got < results; {
			n, err := g.Poll(dst[:1+got%len(dst)])
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range dst[:n] {
				if r.Token != engine.Token(got) {
					t.Fatalf("seed %d: token %d in the place of %d", seed, r.Token, got)
				}
				got++
			}
			if n == 0 {
				runtime.Gosched()
			}
		}
		engineSide.Wait()
		if n := g.results.len(); n > limit {
			t.Errorf("%d slots, want at most %d", n, limit)
		}
	}
}

// A reader that keeps up leaves the ring as small as it was.
func TestRingStaysSmall(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 1024}, Config{MaxSequences: 1})
	g := submit(t, loop, plain(1, 5, 0))
	var dst [8]Result
	for range 4 * fewSlots {
		loop.step()
		if n, err := g.Poll(dst[:]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := g.results.len(); n != fewSlots {
		t.Errorf("%d slots", n)
	}
}

// What a generation that streams holds does not depend on how long its answer may be.
func TestGenerationIsSmall(t *testing.T) {
	const generations, mostBytes = 250, 4 << 10 // with what the engine of the test keeps
	// The allocator puts 8 bytes in front of what is larger than 512, in classes of which
	// 1024 is one.
	if size := unsafe.Sizeof(Generation{}) + 8; size > 1024 {
		t.Errorf("a generation is %d bytes", size)
	}
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: generations * 4096}, Config{MaxSequences: generations, QueueLimit: generations})
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	live := make([]*Generation, 0, generations)
	before := heap()
	for i := range generations {
		live = append(live, submit(t, loop, &ask.Request{Prompt: ask.Prompt{Tokens: prompt(i, 16)}, TopLogprobs: -1}))
	}
	var dst [8]Result
	for range 8 {
		loop.step()
		for _, g := range live {
			g.Poll(dst[:])
		}
	}
	if held := int64(heap()-before) / generations; held > mostBytes {
		t.Errorf("a generation holds %d bytes, want at most %d", held, mostBytes)
	}
	runtime.KeepAlive(live)
}
