package queue

import (
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// One that is alone has all the room there is, and no more.
func TestRoomOfOne(t *testing.T) {
	for _, b := range []Bounds{{1, 1, 1000}, {2, 3, 1000}, {4, 100, 1 << 20}} {
		r := NewRoom(b)
		for i := range b.Running + b.Waiting {
			if !r.Enter(Source{}, 1) {
				t.Fatalf("%+v: no room for request %d", b, i)
			}
		}
		if r.Enter(Source{}, 1) {
			t.Errorf("%+v: there is room for one more", b)
		}
		r.Begin(Source{}, 1)
		r.Leave(Source{})
		if !r.Enter(Source{}, 1) || r.Enter(Source{}, 1) {
			t.Errorf("%+v: one left, and not one came", b)
		}
	}
}

// A flood leaves room for others: of a higher tier, of a lower one, of another key.
func TestRoomBesideAFlood(t *testing.T) {
	b := Bounds{Running: 4, Waiting: 80, Tokens: 8000}
	r := NewRoom(b)
	flood := Source{Tier: ask.TierBackground, Key: "flood"}
	n := 0
	for r.Enter(flood, 100) {
		n++
	}
	if n != 80 { // by tokens
		t.Errorf("%d of 100 tokens", n)
	}
	for _, other := range []Source{{Key: "flood"}, {Tier: ask.TierBackground, Key: "b"}, {Tier: ask.TierPriority, Key: "c"}} {
		n := 0
		for r.Enter(other, 80) {
			n++
		}
		if want := 1000 / 80; n != want {
			t.Errorf("%+v: room for %d, want %d", other, n, want)
		}
	}
	if n := r.all.requests; n > b.MostRequests() || n != 80+36 {
		t.Errorf("%d requests", n)
	}
}

func TestRoomForALargeOne(t *testing.T) {
	r := NewRoom(Bounds{Running: 1, Waiting: 10, Tokens: 100})
	if !r.Enter(Source{}, 5000) || r.Enter(Source{}, 1) {
		t.Error("one may be larger than the room, if it is alone")
	}
	r.Begin(Source{}, 5000)
	if !r.Enter(Source{}, 100) || r.Tokens() != 100 {
		t.Errorf("%d tokens", r.Tokens())
	}
}

func TestRetry(t *testing.T) {
	r := NewRoom(Bounds{Running: 1, Waiting: 10, Tokens: 1 << 20})
	if got := r.Retry(0); got != 0 {
		t.Errorf("%v without a rate", got)
	}
	r.Enter(Source{}, 6000)
	for rate, want := range map[float64]time.Duration{100: 30 * time.Second, 1e9: time.Second, 0.5: 10 * time.Minute, 1e-300: 10 * time.Minute} {
		if got := r.Retry(rate); got != want {
			t.Errorf("at %v a second: %v, want %v", rate, got, want)
		}
	}
}
