package kvstore

import "time"

// Speeds are what was measured, 0 where nothing was yet.
type Speeds struct {
	Compute float64 // tokens of prompts a second
	Restore float64 // bytes a second, from memory into the KV cache
	Read    float64 // bytes a second, from a file into memory
}

// Faster reports whether restoring a state takes less time than computing the tokens
// that it saves. What is not known is taken to cost nothing, so that it is tried.
func (v Speeds) Faster(tokens int, bytes int64, inRAM bool) bool {
	if tokens <= 0 {
		return false
	}
	if v.Compute <= 0 {
		return true
	}
	return v.restoring(bytes, inRAM) < float64(tokens)/v.Compute
}

// restoring is how many seconds it takes.
func (v Speeds) restoring(bytes int64, inRAM bool) (seconds float64) {
	if v.Restore > 0 {
		seconds = float64(bytes) / v.Restore
	}
	if !inRAM && v.Read > 0 {
		seconds += float64(bytes) / v.Read
	}
	return seconds
}

// Computing is how long tokens of a prompt take, 0 if that is not known.
func (v Speeds) Computing(tokens int) time.Duration {
	if v.Compute <= 0 {
		return 0
	}
	return time.Duration(float64(tokens) / v.Compute * float64(time.Second))
}

// Rate is an amount a second, measured. What was long ago counts for less.
type Rate struct{ amount, seconds float64 }

const (
	// rateMemory is by which part what was measured before counts for less each time.
	rateMemory = 1.0 / 8
	// hope is by which part a rate is taken to be better each time that it was too bad
	// to be tried: or one bad moment would count for ever.
	hope = 1.0 / 32
)

// Add takes a measurement in.
func (r *Rate) Add(amount int64, took time.Duration) {
	if amount <= 0 || took <= 0 {
		return
	}
	r.amount = r.amount*(1-rateMemory) + float64(amount)
	r.seconds = r.seconds*(1-rateMemory) + took.Seconds()
}

// PerSecond is the rate, 0 if nothing was measured.
func (r *Rate) PerSecond() float64 {
	if r.seconds == 0 {
		return 0
	}
	return r.amount / r.seconds
}

// Hope makes the rate a little better, because it was not tried.
func (r *Rate) Hope() { r.seconds *= 1 - hope }
