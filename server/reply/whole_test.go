package reply

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate/generatetest"
)

func TestWhole(t *testing.T) {
	m, g := start(t), &generatetest.Generator{Reply: "abc"}
	events, err := g.Submit(t.Context(), &ask.Request{TopLogprobs: -1})
	if err != nil {
		t.Fatal(err)
	}
	c := new(trace)
	body, err := m.Whole(t.Context(), Generation{Events: events, Observer: c}, c, plenty)
	if err != nil || joined(body) != "headabcend" || c.end.CompletionTokens != 3 {
		t.Errorf("%q, %v, %+v", body, err, c.end)
	}
}

// A whole answer grows without being copied, and ends where memory does: the
// generation is cancelled, and the handler told why.
func TestWholeIsBounded(t *testing.T) {
	const tokens = 1 << 10
	for _, limit := range []int{0, 1000, 100 << 10, 3 << 20} {
		m, g := start(t), &generatetest.Generator{Reply: strings.Repeat("a", tokens)}
		events, err := g.Submit(t.Context(), &ask.Request{TopLogprobs: -1})
		if err != nil {
			t.Fatal(err)
		}
		c, memory := &wide{}, &room{limit: limit}
		body, err := m.Whole(t.Context(), Generation{Events: events, Observer: c}, c, memory)
		if whole := tokens*wideBytes + len("headend"); limit > whole {
			if err != nil || len(joined(body)) != whole || memory.most > whole+partBytes+c.HeldBytes() {
				t.Errorf("%d bytes: %d of %d, %d held, %v", limit, len(joined(body)), whole, memory.most, err)
			}
			continue
		}
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.MemoryFull || g.Running() != 0 || memory.most > limit+partBytes+bytesAtOnce {
			t.Errorf("%d bytes: %v, %d running, %d held", limit, err, g.Running(), memory.most)
		}
		if c.end == nil || c.end.Fault == nil || c.end.Fault.Kind != ask.MemoryFull {
			t.Errorf("%d bytes: ended with %+v", limit, c.end)
		}
	}
}

// wide is an encoder that makes much of little.
type wide struct{ trace }

const wideBytes = 2 << 10

func (c *wide) Append(dst []byte, ev *ask.Event) []byte {
	if ev.End != nil {
		return append(dst, "end"...)
	}
	return append(dst, make([]byte, wideBytes*len(ev.Text))...)
}

// A handler that is cancelled leaves nothing behind.
func TestWholeIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		g := &generatetest.Generator{Reply: "abc", Gate: make(chan struct{})}
		for _, streamed := range []bool{false, true} {
			events, err := g.Submit(t.Context(), &ask.Request{TopLogprobs: -1})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			c, done := new(trace), make(chan error)
			go func() {
				if streamed {
					done <- m.Start(Generation{Events: events, Encoder: c, Observer: c}).First(ctx)
					return
				}
				_, err := m.Whole(ctx, Generation{Events: events, Observer: c}, c, plenty)
				done <- err
			}()
			synctest.Wait()
			cancel()
			if f, ok := errors.AsType[*ask.Fault](<-done); !ok || f.Kind != ask.Cancelled {
				t.Errorf("streamed %v: %v", streamed, f)
			}
			synctest.Wait()
			if g.Running() != 0 || c.end == nil || c.end.Reason != ask.FinishAborted {
				t.Errorf("streamed %v: %d running, end %+v", streamed, g.Running(), c.end)
			}
		}
		m.Close()
		synctest.Wait()
	})
}
