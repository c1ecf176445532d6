package tenants

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// Tenant is the holder of a key, with its bounds; 0 is none. It does not change, but
// for what it has used up.
type Tenant struct {
	Name            string
	Tier            ask.Tier
	Weight          int
	TokensPerMinute int
	InFlight        int
	use             *use
}

// use is what all tenants of a name, of this table and those before, have used up.
type use struct {
	bucket              Bucket
	inFlight            atomic.Int64
	requests            atomic.Int64
	prompted, generated atomic.Int64 // tokens
	refused             [Causes]atomic.Int64
}

// Cause is why a tenant's request was refused.
type Cause uint8

const (
	CauseInFlight Cause = iota // too many at the same time
	CauseTokens                // too many tokens a minute
	CauseQueue                 // the server has too many requests, of whomever
	Causes        = iota
)

// String returns the cause's name in metrics.
func (c Cause) String() string { return [Causes]string{"in_flight", "tokens", "queue"}[c] }

// began is the moment that the times of buckets count from.
var began = time.Now()

func nowNs() int64 { return time.Since(began).Nanoseconds() }

// Enter admits a request. The error is an *ask.Fault of kind ask.RateLimited, which
// says when to come again: one bound of the key is used up.
func (t *Tenant) Enter() (*Visit, error) { return t.enterAt(nowNs()) }

func (t *Tenant) enterAt(now int64) (*Visit, error) {
	if debt := t.use.bucket.DebtNs(now); t.TokensPerMinute > 0 && debt > 0 {
		t.Refused(CauseTokens)
		return nil, &ask.Fault{
			Kind: ask.RateLimited, What: fmt.Sprintf("this API key has used up its %d tokens a minute", t.TokensPerMinute),
			Remedy: fmt.Sprintf("try again in %d s", (debt+int64(time.Second)-1)/int64(time.Second)), RetryNs: debt,
		}
	}
	for {
		n := t.use.inFlight.Load()
		if t.InFlight > 0 && n >= int64(t.InFlight) {
			t.Refused(CauseInFlight)
			return nil, &ask.Fault{
				Kind: ask.RateLimited, What: fmt.Sprintf("this API key has as many requests in flight as it may (%d)", t.InFlight),
				Remedy: "wait until one of them has ended",
			}
		}
		if t.use.inFlight.CompareAndSwap(n, n+1) {
			t.use.requests.Add(1)
			return &Visit{tenant: t}, nil
		}
	}
}

// Refused counts a request that was refused.
func (t *Tenant) Refused(why Cause) { t.use.refused[why].Add(1) }

// Usage is what was counted of a tenant since its name is known.
type Usage struct {
	InFlight, Requests            int64
	PromptTokens, GeneratedTokens int64
	Refused                       [Causes]int64
}

// Usage returns what was counted.
func (t *Tenant) Usage() Usage {
	u := Usage{
		InFlight: t.use.inFlight.Load(), Requests: t.use.requests.Load(),
		PromptTokens: t.use.prompted.Load(), GeneratedTokens: t.use.generated.Load(),
	}
	for why := range u.Refused {
		u.Refused[why] = t.use.refused[why].Load()
	}
	return u
}

// Visit is a request that was let in. nil is that of nobody: it takes nothing. It is
// safe for concurrent use.
type Visit struct {
	tenant *Tenant
	left   atomic.Bool
}

// Spend takes tokens of a prompt, and of an answer.
func (v *Visit) Spend(prompt, generated int) { v.spendAt(nowNs(), prompt, generated) }

func (v *Visit) spendAt(now int64, prompt, generated int) {
	if v == nil {
		return
	}
	u := v.tenant.use
	u.prompted.Add(int64(prompt))
	u.generated.Add(int64(generated))
	if v.tenant.TokensPerMinute > 0 {
		u.bucket.Spend(now, prompt+generated, v.tenant.TokensPerMinute)
	}
}

// Leave says that the request is over, as often as one likes.
func (v *Visit) Leave() {
	if v != nil && !v.left.Swap(true) {
		v.tenant.use.inFlight.Add(-1)
	}
}
