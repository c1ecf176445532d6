package batch

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/pace"
)

// estimate is what is known of how long a request waits for its first token. The engine
// goroutine writes it after each step, everybody reads it: the numbers may be of two
// steps.
//
// A request waits for the prompts before it, at the rate at which steps take them, and
// for a place: they become free at the rate at which those who have one leave. Both
// goes on at once, so the longer of the two counts.
type estimate struct {
	arriving atomic.Int64 // prompt tokens of requests that the engine goroutine has not seen
	prompts  atomic.Int64 // prompt tokens that it has, and not computed
	promptNs atomic.Int64 // that a prompt token takes, with what decodes beside it; 0: unknown
	places   atomic.Int64 // sequences at once, at most
	stayNs   atomic.Int64 // that a sequence keeps its place, on average; 0: unknown
}

// stayMemory is how many sequences the average is over.
const stayMemory = 16

// left takes note of how long a sequence had its place.
func (e *estimate) left(stay time.Duration) {
	before := e.stayNs.Load()
	if before == 0 {
		e.stayNs.Store(int64(stay))
		return
	}
	e.stayNs.Store(before + (int64(stay)-before)/stayMemory)
}

// wait is how long a request waits that has so many prompt tokens before it, and so
// many requests that are to have a place before it, of those that are running too.
func (e *estimate) wait(promptTokens, requests int) time.Duration {
	wait := int64(promptTokens) * e.promptNs.Load()
	if places := e.places.Load(); places > 0 {
		if ends := int64(requests) + 1 - places; ends > 0 {
			wait = max(wait, ends*e.stayNs.Load()/places)
		}
	}
	return time.Duration(wait)
}

// foresee makes the estimate current. Engine goroutine, after a step.
func (l *Loop) foresee() {
	policy, ok := l.config.Pacing.(pace.Foreseer)
	if !ok {
		return
	}
	prompts, decodes := 0, 0
	for _, g := range l.live {
		if n := g.seq.pending(); n > 1 {
			prompts += n
		} else {
			decodes++
		}
	}
	for _, g := range l.waiting {
		prompts += g.seq.pending()
	}
	e := &l.pacing.estimate
	e.prompts.Store(int64(prompts))
	may := l.decide(decodes)
	if decodes == 0 {
		may.PromptTokens = l.limits.BatchTokens
	}
	e.places.Store(int64(may.Sequences))
	if took := policy.Foresee(decodes, may.PromptTokens); took > 0 {
		e.promptNs.Store(max(1, int64(took)/int64(may.PromptTokens)))
	}
}

// late refuses a request whose first token would come later than it wants. A prompt that
// alone takes longer is not refused for that: to wait would not help.
func (l *Loop) late(r *ask.Request) error {
	if r.TTFTNs == 0 {
		return nil
	}
	e := &l.pacing.estimate
	wait := e.wait(int(e.prompts.Load()+e.arriving.Load()), int(l.inFlight.Load()))
	room := time.Duration(r.TTFTNs)
	if own := time.Duration(int64(len(r.Prompt.Tokens)) * e.promptNs.Load()); own < room {
		room -= own
	}
	if wait <= room {
		return nil
	}
	l.pacing.refused.Add(1)
	return &ask.Fault{
		Kind: ask.QueueFull, Param: "x-slo-ttft-ms", RetryNs: int64(wait - room),
		What:   fmt.Sprintf("the first token is not expected within %v: requests that came before take some %v", time.Duration(r.TTFTNs), wait.Round(time.Millisecond)),
		Remedy: "try again later, or allow more in x-slo-ttft-ms",
	}
}
