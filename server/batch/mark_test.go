package batch

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// marked is a request that wants marks.
func marked(seed, n, limit int) *ask.Request {
	r := plain(seed, n, limit)
	r.Progress = true
	return r
}

// poll takes what is there: marks, and how many tokens.
func poll(g *Generation) (marks []int, tokens int) {
	for dst := make([]Result, 3); ; {
		n, err := g.Poll(dst)
		if n == 0 || err != nil {
			return marks, tokens
		}
		for _, r := range dst[:n] {
			if r.Mark {
				marks = append(marks, r.Processed)
			} else {
				tokens++
			}
		}
	}
}

// A prompt is marked as it begins and after each piece; a reader that is behind
// slows its own prompt down. Who does not ask has no marks.
func TestMarks(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256, BatchTokens: 8}, Config{MaxSequences: 1, NoPrefixCache: true})
	for _, top := range []int{-1, 2} {
		r := marked(1, 44, 3)
		r.TopLogprobs = top
		g := submit(t, loop, r)
		for range 20 {
			loop.step()
		}
		if marks, tokens := poll(g); !slices.Equal(marks, []int{0, 8, 16}) || tokens != 0 {
			t.Errorf("top %d: unread: marks %d, %d tokens", top, marks, tokens)
		}
		for range 20 {
			loop.step()
		}
		if marks, tokens := poll(g); !slices.Equal(marks, []int{24, 32, 40}) || tokens != 0 {
			t.Errorf("top %d: read once: marks %d, %d tokens", top, marks, tokens)
		}
		for range 20 {
			loop.step()
		}
		if marks, tokens := poll(g); !slices.Equal(marks, []int{44}) || tokens != 3 {
			t.Errorf("top %d: marks %d, %d tokens", top, marks, tokens)
		}
	}
	g := submit(t, loop, plain(1, 44, 3))
	for range 20 {
		loop.step()
	}
	if marks, tokens := poll(g); len(marks) != 0 || tokens != 3 {
		t.Errorf("not asked for: marks %d, %d tokens", marks, tokens)
	}
}

// The first mark has what was in the place already.
func TestMarksBeginWithWhatIsKept(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256, BatchTokens: 64}, Config{MaxSequences: 1})
	for _, want := range [][]int{{0, 20}, {19, 20}} {
		r := marked(1, 20, 1)
		r.Keep = true
		g := submit(t, loop, r)
		for range 3 {
			loop.step()
		}
		if marks, tokens := poll(g); !slices.Equal(marks, want) || tokens != 1 || g.Cached() != want[0] {
			t.Errorf("marks %d, want %d; %d tokens", marks, want, tokens)
		}
	}
}

// Marks grow, and the last has the whole prompt, also of what was evicted and is
// computed again; the tokens are what they are without.
func TestMarksOfEvicted(t *testing.T) {
	loop, model := open(t, enginetest.Options{CacheTokens: 100}, engine.ContextConfig{ContextTokens: 4 * 100, BatchTokens: 16},
		Config{MaxSequences: 4, RingTokens: 8, PrefillTokens: 8})
	var generations []*Generation
	for i := range 8 {
		generations = append(generations, submit(t, loop, marked(i, 30, 40)))
	}
	for i, g := range generations {
		last := -1
		var tokens []engine.Token
		for dst, next := make([]Result, 3), Follow(g); ; {
			n, err := next(dst)
			for _, r := range dst[:n] {
				switch {
				case !r.Mark:
					tokens = append(tokens, r.Token)
				case r.Processed <= last || len(tokens) > 0:
					t.Errorf("generation %d: mark %d after %d and %d tokens", i, r.Processed, last, len(tokens))
				default:
					last = r.Processed
				}
			}
			if err != nil {
				break
			}
		}
		if last != 30 {
			t.Errorf("generation %d: last mark %d", i, last)
		}
		checkOutput(t, model, loop.Limits(), plain(i, 30, 40), tokens, g.Finish())
	}
	if loop.Stats().Evictions == 0 {
		t.Error("nothing was evicted")
	}
}
