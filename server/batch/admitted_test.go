package batch

import (
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// What is looked for in the cache is counted with what was there, and each step with
// the time that it took.
func TestReuseIsCounted(t *testing.T) {
	var steps []Step
	loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 64},
		Config{MaxSequences: 1, Observe: func(s Step) { steps = append(steps, s) }})
	_, first := answered(t, loop, model, keeping(1, prompt(1, 20), 5))
	_, second := answered(t, loop, model, keeping(1, prompt(1, 20), 5))
	if s := loop.Stats(); s.AskedTokens != 40 || s.ReusedTokens != uint64(first.Cached()+second.Cached()) || s.ReusedTokens == 0 {
		t.Errorf("%d of %d tokens were there, of which %d and %d", s.ReusedTokens, s.AskedTokens, first.Cached(), second.Cached())
	}
	for _, s := range steps {
		if s.Took < s.Duration || s.Took == 0 || s.Duration > time.Hour {
			t.Errorf("%+v", s)
		}
	}
}
