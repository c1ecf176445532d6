package batch

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/pace"
)

// TestEstimateOfAWait: prompts before it and places, whichever takes longer.
func TestEstimateOfAWait(t *testing.T) {
	const us = int64(time.Microsecond)
	for _, c := range []struct {
		name                   string
		promptNs, places, stay int64
		tokens, requests       int
		want                   time.Duration
	}{
		{"nothing known", 0, 0, 0, 1000, 50, 0},
		{"nobody before it", 100 * us, 4, 1000 * us, 0, 0, 0},
		{"a prompt before it", 100 * us, 4, 0, 1000, 1, 100 * time.Millisecond},
		{"a place is free", 100 * us, 4, 8000 * us, 0, 3, 0},
		{"one has to end", 100 * us, 4, 8000 * us, 0, 4, 2 * time.Millisecond},
		{"five have to", 100 * us, 4, 8000 * us, 50, 8, 10 * time.Millisecond},
		{"the prompts take longer", 100 * us, 4, 8000 * us, 500, 8, 50 * time.Millisecond},
	} {
		var e estimate
		e.promptNs.Store(c.promptNs)
		e.places.Store(c.places)
		e.stayNs.Store(c.stay)
		if got := e.wait(c.tokens, c.requests); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStayIsAnAverage(t *testing.T) {
	var e estimate
	e.left(time.Second)
	if got := time.Duration(e.stayNs.Load()); got != time.Second {
		t.Errorf("of one: %v", got)
	}
	for range 10 * stayMemory {
		e.left(3 * time.Second)
	}
	if got := time.Duration(e.stayNs.Load()); got < 2900*time.Millisecond || got > 3*time.Second {
		t.Errorf("%v", got)
	}
}

// TestTooLateIsRefusedAtOnce: behind a prompt of 4000 tokens at 50 µs each a request that
// wants its first token within 20 ms is refused, one that has a second is not, and none
// before anything is known or when there is nobody before it.
func TestTooLateIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, time.Millisecond, 50*time.Microsecond, Config{MaxSequences: 4, NoPrefixCache: true})
		hurried, patient := plain(2, 10, 1), plain(3, 10, 1)
		hurried.TTFTNs, patient.TTFTNs = 20e6, 1e9
		long := submit(t, loop, plain(1, 4000, 1))
		first := submit(t, loop, hurried) // nothing is known
		for range 30 {
			loop.step()
			ready(long, 16)
			ready(first, 16)
		}
		if f := long.Finish(); f.Reason != ask.FinishLength {
			t.Fatalf("%+v", f)
		}
		stream := submit(t, loop, plain(5, 1, 0))
		for range 30 { // the policy sees prompts and streams apart
			loop.step()
			ready(stream, 16)
		}
		second := submit(t, loop, plain(6, 4000, 1)) // not received yet
		for range 2 {
			_, err := loop.Submit(hurried)
			fault, ok := errors.AsType[*ask.Fault](err)
			if !ok || fault.Kind != ask.QueueFull || fault.Param != "x-slo-ttft-ms" {
				t.Fatalf("%v", err)
			}
			// Between the prompt's own time alone and that with a token of the stream a step.
			if retry := time.Duration(fault.RetryNs); retry < 150*time.Millisecond || retry > time.Second {
				t.Errorf("again in %v", retry)
			}
			loop.step() // received
			ready(stream, 16)
		}
		if s := loop.Stats(); s.Pacing.Refused != 2 || s.Refused != 0 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
		third := submit(t, loop, patient)
		long2 := plain(4, 2000, 1) // alone it takes longer
		long2.TTFTNs = 1e6
		second.Cancel()
		for range 5 {
			loop.step()
			ready(stream, 16)
			ready(third, 16)
		}
		submit(t, loop, long2)
	})
}

// TestWaitsForAPlace: with one place, who comes while it is taken waits as long as others
// have kept it.
func TestWaitsForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, time.Millisecond, 50*time.Microsecond, Config{MaxSequences: 1, NoPrefixCache: true})
		for range 3 {
			g := submit(t, loop, plain(1, 10, 100))
			for ended := false; !ended; {
				loop.step()
				_, ended = ready(g, 200)
			}
		}
		g := submit(t, loop, plain(1, 10, 0))
		round(loop, 2, g)
		hurried := plain(2, 10, 1)
		hurried.TTFTNs = 50e6 // a hundred steps take 105 ms
		if _, err := loop.Submit(hurried); err == nil {
			t.Error("it was taken")
		}
		hurried.TTFTNs = 200e6
		submit(t, loop, hurried)
	})
}

// A policy that foresees nothing refuses nobody.
func TestNobodyForesees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, time.Millisecond, 50*time.Microsecond, Config{MaxSequences: 4, Pacing: new(pace.Article)})
		g := submit(t, loop, plain(1, 4000, 1))
		round(loop, 5, g)
		hurried := plain(2, 10, 1)
		hurried.TTFTNs = 1
		submit(t, loop, hurried)
	})
}

// What waits or runs in lower tiers is not before a request of a higher one.
func TestLowerTiersAreNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _ := pacedLoop(t, time.Millisecond, 50*time.Microsecond, Config{MaxSequences: 2})
		for range 3 {
			g := submit(t, loop, plain(1, 10, 100))
			for ended := false; !ended; {
				loop.step()
				_, ended = ready(g, 200)
			}
		}
		for i := range 6 {
			submit(t, loop, of(plain(10+i, 1000, 100), ask.TierBackground, "", 0))
		}
		for _, received := range []bool{false, true} {
			for _, tier := range []ask.Tier{ask.TierBackground, ask.TierStandard, ask.TierPriority} {
				hurried := of(plain(2, 10, 1), tier, "", 0)
				hurried.TTFTNs = 50e6
				_, err := loop.Submit(hurried)
				if refused := err != nil; refused != (tier == ask.TierBackground) {
					t.Errorf("tier %v, the others received: %v: %v", tier, received, err)
				}
			}
			loop.step()
		}
	})
}
