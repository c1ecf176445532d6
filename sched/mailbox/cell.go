package mailbox

import "sync/atomic"

// Flag is the protocol between one goroutine that is about to sleep and those
// that have something for it.
//
//	asleep  false→true  the sleeper, in Prepare; it then looks at its work once more
//	        true→false  who wakes it, having made the work visible before, or
//	                    the sleeper itself in Stop. Who wins owes the other
//	                    nothing more than the wake-up that Claim reported.
type Flag struct{ asleep atomic.Bool }

// Prepare announces that the caller is about to sleep. It looks once more at
// what it might have missed, then sleeps, or calls Stop.
func (f *Flag) Prepare() { f.asleep.Store(true) }

// Stop takes Prepare back. It reports false if somebody was faster and has
// sent, or is about to send, a wake-up.
func (f *Flag) Stop() bool { return f.asleep.CompareAndSwap(true, false) }

// Claim reports whether the caller is the one to wake the sleeper. Any
// goroutine. The load before the exchange keeps the line shared while nobody
// sleeps.
func (f *Flag) Claim() bool {
	return f.asleep.Load() && f.asleep.CompareAndSwap(true, false)
}

// Asleep reports whether the sleeper sleeps or is about to.
func (f *Flag) Asleep() bool { return f.asleep.Load() }

// Cell is where one goroutine sleeps until others wake it. There is at most
// one wake-up on its way: who claims the flag sends it, and only a claimed flag
// lets the sleeper receive.
type Cell struct {
	flag  Flag
	token chan struct{}
}

// NewCell returns a cell.
func NewCell() *Cell { return &Cell{token: make(chan struct{}, 1)} }

// Prepare announces that the caller is about to sleep; Wait or Stop follows.
func (c *Cell) Prepare() { c.flag.Prepare() }

// Stop takes Prepare back, and with it the wake-up of who was faster.
func (c *Cell) Stop() {
	if !c.flag.Stop() {
		<-c.token
	}
}

// Wait sleeps until Wake, which may have been called since Prepare.
func (c *Cell) Wait() { <-c.token }

// Wake ends a sleep. Any goroutine; it never blocks.
func (c *Cell) Wake() {
	if c.flag.Claim() {
		c.token <- struct{}{}
	}
}

// Asleep reports whether the sleeper sleeps or is about to.
func (c *Cell) Asleep() bool { return c.flag.Asleep() }
