package tenants

import (
	"math"
	"sync/atomic"
	"time"
)

// Bucket holds as many tokens as flow into it within a minute, and may owe some. It
// knows no clock: times are in nanoseconds since whatever moment, the same in all
// calls, and the zero value is full from that moment on. It is safe for concurrent
// use.
//
// All that it knows is when it will be full (GCRA, as in ATM's traffic contracts):
//
//	fullNs                            meaning
//	up to now                         full
//	up to a minute from now           has what flowed in since fullNs - a minute
//	later                             owes; until fullNs - a minute
//
// So another rate changes how much is in it, and not when it is out of debt.
type Bucket struct {
	fullNs atomic.Int64
}

const (
	minuteNs = int64(time.Minute)
	// maxDebtNs is how long a bucket owes at most, however small the rate that
	// a file says, and whatever it was that was taken.
	maxDebtNs = int64(24 * time.Hour)
)

// Spend takes tokens out, more than there are if need be. perMinute is the rate at
// which they flow in, 1 at least.
func (b *Bucket) Spend(nowNs int64, tokens, perMinute int) {
	if tokens <= 0 {
		return
	}
	cost := int64(min(math.Ceil(float64(tokens)*float64(minuteNs)/float64(perMinute)), float64(minuteNs+maxDebtNs)))
	for {
		full := b.fullNs.Load()
		next := min(max(full, nowNs)+cost, nowNs+minuteNs+maxDebtNs)
		if b.fullNs.CompareAndSwap(full, next) {
			return
		}
	}
}

// DebtNs is how long it will owe tokens if none are taken, 0 if it owes none.
func (b *Bucket) DebtNs(nowNs int64) int64 {
	return max(0, b.fullNs.Load()-nowNs-minuteNs)
}
