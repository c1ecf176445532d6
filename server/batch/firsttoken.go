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
	tiers    [ask.Tiers]ahead
	promptNs atomic.Int64 // that a prompt token takes, with what decodes beside it; 0: unknown
	places   atomic.Int64 // sequences at once, at most
	stayNs   atomic.Int64 // that a sequence keeps its place, on average; 0: unknown
}

// ahead is the requests of a tier.
type ahead struct {
	requests atomic.Int64 // not ended
	arriving atomic.Int64 // prompt tokens of those that the engine goroutine has not seen
	prompts  atomic.Int64 // prompt tokens that it has, and not computed
}

// of is the tier of a generation.
func (e *estimate) of(g *Generation) *ahead {
	return &e.tiers[g.ticket.Source.Tier.Index()]
}

// before is what comes before a request of a tier: all that is to be computed for that
// tier and for higher ones. That keys and flows take turns is left out, and so is what
// lower tiers keep.
func (e *estimate) before(tier ask.Tier) (promptTokens, requests int) {
	for i := tier.Index(); i < ask.Tiers; i++ {
		t := &e.tiers[i]
		promptTokens += int(t.prompts.Load() + t.arriving.Load())
		requests += int(t.requests.Load())
	}
	return promptTokens, requests
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
	var prompts [ask.Tiers]int
	decodes := 0
	for _, g := range l.live {
		if n := g.seq.pending(); n > 1 {
			prompts[g.ticket.Source.Tier.Index()] += n
		} else {
			decodes++
		}
	}
	e := &l.pacing.estimate
	for tier := ask.TierBackground; tier <= ask.TierPriority; tier++ {
		e.tiers[tier.Index()].prompts.Store(int64(prompts[tier.Index()] + l.waiting.Ahead(tier)))
	}
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
	wait := e.wait(e.before(tierOf(r)))
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
