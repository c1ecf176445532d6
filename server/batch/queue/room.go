package queue

import (
	"sync"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// Bounds are how much a [Room] holds.
type Bounds struct {
	// Running is how many requests run at the same time, at most.
	Running int
	// Waiting is how many may wait, and Tokens how many tokens they may have
	// together, of prompts and of answers as they are estimated; one request may
	// have more. Both may be twice as many where those that take the room are others
	// than who comes.
	Waiting, Tokens int
}

const (
	// reserve is the part of Bounds.Waiting and Tokens that a key of a tier finds
	// room for although others have taken all there is.
	reserve = 8
	// leastRetry and mostRetry bound what a client is told to wait.
	leastRetry = time.Second
	mostRetry  = 10 * time.Minute
)

// Room counts what is asked of a queue, before it gets there. It is safe for
// concurrent use.
type Room struct {
	bounds Bounds

	mu       sync.Mutex
	all      holding
	holdings map[holder]*holding
}

// holder is a key of a tier.
type holder struct {
	tier ask.Tier
	key  string
}

// holding is how many requests there are, and the tokens of those that wait.
type holding struct{ requests, tokens int }

// NewRoom makes an empty room.
func NewRoom(b Bounds) *Room { return &Room{bounds: b, holdings: make(map[holder]*holding)} }

// MostRequests is how many requests are in a room, at most.
func (b Bounds) MostRequests() int { return b.Running + 2*b.Waiting }

// Enter counts a request of so many tokens that comes to wait, and reports false if
// there is no room for it.
func (r *Room) Enter(s Source, tokens int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := holder{s.Tier, s.Key}
	own := r.holdings[who]
	if own == nil {
		own = new(holding)
	}
	if !r.fits(*own, tokens) {
		return false
	}
	r.holdings[who] = own
	for _, h := range []*holding{own, &r.all} {
		h.requests++
		h.tokens += tokens
	}
	return true
}

// fits reports whether there is room for one more of who holds own.
func (r *Room) fits(own holding, tokens int) bool {
	b := r.bounds
	if r.all.tokens == 0 {
		tokens = 0 // what waits for nobody is let in, however large
	}
	if r.all.requests < b.Running+b.Waiting && r.all.tokens+tokens <= b.Tokens {
		return true
	}
	// What others hold leaves room for as many as run, and some that wait.
	return own.requests < min(b.Running+b.Waiting/reserve, b.Running+b.Waiting-1) && own.tokens+tokens <= b.Tokens/reserve &&
		r.all.requests < b.MostRequests() && r.all.tokens+tokens <= 2*b.Tokens
}

// Begin counts that a request does not wait any more: it runs, or has ended.
func (r *Room) Begin(s Source, tokens int) { r.change(s, holding{0, -tokens}) }

// Leave counts that a request has ended.
func (r *Room) Leave(s Source) { r.change(s, holding{-1, 0}) }

func (r *Room) change(s Source, by holding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := holder{s.Tier, s.Key}
	own := r.holdings[who]
	for _, h := range []*holding{own, &r.all} {
		h.requests += by.requests
		h.tokens += by.tokens
	}
	if own.requests == 0 {
		delete(r.holdings, who)
	}
}

// Tokens is how many tokens wait.
func (r *Room) Tokens() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.tokens
}

// Retry is in how long half of what waits will have been served, at so many tokens a
// second: who is told so finds room, and so do others who are told the same. It is
// from a second to ten minutes, and 0 where the rate is not known.
func (r *Room) Retry(tokensPerSecond float64) time.Duration {
	if tokensPerSecond <= 0 {
		return 0
	}
	seconds := float64(r.Tokens()) / 2 / tokensPerSecond
	return max(leastRetry, time.Duration(min(seconds, mostRetry.Seconds())*float64(time.Second)))
}
