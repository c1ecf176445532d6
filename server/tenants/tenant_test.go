package tenants

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// refusal is the fault of an error, nil of none.
func refusal(err error) *ask.Fault {
	f, _ := errors.AsType[*ask.Fault](err)
	return f
}

func TestInFlight(t *testing.T) {
	tenant := &Tenant{InFlight: 2, use: new(use)}
	first, err1 := tenant.Enter()
	_, err2 := tenant.Enter()
	third, err3 := tenant.Enter()
	if f := refusal(err3); err1 != nil || err2 != nil || third != nil || f == nil || f.Kind != ask.RateLimited || f.RetryNs != 0 {
		t.Fatalf("%v, %v, %v", err1, err2, err3)
	}
	first.Leave()
	first.Leave() // again is nothing
	_, err1 = tenant.Enter()
	_, err2 = tenant.Enter()
	if err1 != nil || err2 == nil {
		t.Errorf("%v, %v", err1, err2)
	}
	if u := tenant.Usage(); u != (Usage{InFlight: 2, Requests: 3, Refused: [Causes]int64{CauseInFlight: 2}}) {
		t.Errorf("%+v", u)
	}
	third.Leave() // of nobody
	third.Spend(1, 1)
}

// As many come in at once as may, and all have gone in the end.
func TestInFlightOfMany(t *testing.T) {
	const bound, each = 3, 200
	tenant := &Tenant{InFlight: bound, use: new(use)}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range each {
				if v, err := tenant.Enter(); err == nil {
					if n := tenant.Usage().InFlight; n > bound {
						t.Errorf("%d in flight", n)
					}
					v.Leave()
				}
			}
		})
	}
	all.Wait()
	if u := tenant.Usage(); u.InFlight != 0 || u.Requests+u.Refused[CauseInFlight] != 8*each {
		t.Errorf("%+v", u)
	}
}

func TestTokensAMinute(t *testing.T) {
	tenant := &Tenant{TokensPerMinute: 60, use: new(use)}
	now := int64(time.Hour)
	v, err := tenant.enterAt(now)
	if err != nil {
		t.Fatal(err)
	}
	v.spendAt(now, 50, 0)
	v.spendAt(now, 0, 10)
	if _, err := tenant.enterAt(now); err != nil {
		t.Errorf("with nothing left, and no debt: %v", err)
	}
	v.spendAt(now, 0, 90)
	v.Leave()
	for after, retry := range map[time.Duration]time.Duration{0: 90 * time.Second, 89 * time.Second: time.Second, 90 * time.Second: 0} {
		_, err := tenant.enterAt(now + int64(after))
		f := refusal(err)
		if retry == 0 && err != nil || retry > 0 && (f == nil || f.Kind != ask.RateLimited || time.Duration(f.RetryNs) != retry) {
			t.Errorf("%v later: %+v, want to be told %v", after, err, retry)
		}
	}
	if u := tenant.Usage(); u.PromptTokens != 50 || u.GeneratedTokens != 100 || u.Refused[CauseTokens] != 2 || u.InFlight != 2 {
		t.Errorf("%+v", u)
	}
	unbound := &Tenant{use: tenant.use}
	if _, err := unbound.enterAt(now); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}
