package batch

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// used notes what decodes compute on.
type used struct {
	mu   sync.Mutex
	list []engine.Threads
}

func (u *used) note(t engine.Threads) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.list) == 0 || u.list[len(u.list)-1] != t {
		u.list = append(u.list, t)
	}
}

// Threads change between two steps, and of an idle engine at once; what was asked for
// last counts, for vectors as well.
func TestThreadsChange(t *testing.T) {
	group, err := ggroup.Open("decode")
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	synctest.Test(t, func(t *testing.T) {
		var u used
		step := make(chan struct{})
		defer close(step)
		loop, _ := open(t, enginetest.Options{Threads: u.note, Gate: step}, engine.ContextConfig{ContextTokens: 128, Threads: 4, BatchThreads: 8}, Config{})
		before := engine.Threads{Threads: 4, BatchThreads: 8}
		submit(t, loop, plain(1, 5, 2))
		synctest.Wait() // the first step is under way
		one, two := engine.Threads{Threads: 1, BatchThreads: 1}, engine.Threads{Threads: 2, BatchThreads: 3, Decoding: group}
		if !loop.SetThreads(one) || !loop.SetThreads(two) || loop.Threads() != before {
			t.Errorf("in the midst of a step: %+v", loop.Threads())
		}
		step <- struct{}{}
		synctest.Wait()
		if loop.Threads() != two {
			t.Errorf("after it: %+v", loop.Threads())
		}
		step <- struct{}{}
		synctest.Wait()
		if loop.SetThreads(one); loop.Threads() == one {
			t.Error("the engine goroutine has not taken them, and they are in force")
		}
		synctest.Wait()
		if loop.Threads() != one {
			t.Errorf("of an idle engine: %+v", loop.Threads())
		}
		for i, threads := range []engine.Threads{one, two} {
			loop.SetThreads(threads)
			go func() { step <- struct{}{} }()
			if _, err := loop.Embed(t.Context(), [][]engine.Token{prompt(i, 5)}); err != nil {
				t.Error(err)
			}
		}
		if want := []engine.Threads{before, two, one, two}; !slices.Equal(u.list, want) {
			t.Errorf("decodes computed on %+v, want %+v", u.list, want)
		}
	})
}
