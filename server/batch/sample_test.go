package batch

import (
	"errors"
	"math"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/sampling"
)

// TestSharedRows samples with helpers, in a group and in none, and in one that is
// closed already: the tokens are those of a sequence alone.
func TestSharedRows(t *testing.T) {
	open, closed := ggroup.New("open"), ggroup.New("closed")
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, group := range map[string]*ggroup.Group{"no group": nil, "open": open, "closed": closed} {
		t.Run(name, func(t *testing.T) {
			loop, model := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 8 * 128}, Config{MaxSequences: 8})
			loop.share.worthNs, loop.share.helpers, loop.share.group = 0, 3, group
			var requests []*ask.Request
			var generations []*Generation
			for i := range 8 {
				r := plain(i, 5, 40)
				r.Sampling = ask.Sampling{Temperature: float32(i), TopP: 0.9, Seed: uint32(i)}
				r.TopLogprobs = i - 1
				requests = append(requests, r)
				generations = append(generations, submit(t, loop, r))
			}
			for loop.step() {
			}
			for i, g := range generations {
				tokens, _ := ready(g, 40)
				if _, ended := ready(g, 1); !ended {
					t.Fatal("it goes on")
				}
				checkOutput(t, model, loop.Limits(), requests[i], tokens, g.Finish())
			}
			loop.share.running.Wait()
		})
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
}

// hollow is a context whose rows hold no number.
type hollow struct{ engine.Context }

func (h hollow) Logits(row int) ([]float32, error) {
	logits, err := h.Context.Logits(row)
	for t := range logits {
		logits[t] = float32(math.NaN())
	}
	return logits, err
}

func TestRowWithoutNumbersEndsTheGeneration(t *testing.T) {
	loop, _ := stepped(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 128}, Config{MaxSequences: 1})
	loop.context = hollow{loop.context}
	g := submit(t, loop, plain(1, 5, 10))
	loop.step()
	if _, ended := ready(g, 1); !ended || g.Finish().Reason != ask.FinishError || !errors.Is(g.Finish().Err, sampling.ErrNoMaximum) {
		t.Errorf("ended %v", ended)
	}
}
