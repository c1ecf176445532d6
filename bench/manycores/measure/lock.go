package main

import "github.com/weirgo/weir/bench/internal/sample"

// lockCounts is what a runtime knows that counts what happens to sched.lock.
type lockCounts struct {
	holds, contended uint64
	waitNs, holdNs   float64
}

// readSchedLock is set where this command is built for such a runtime.
var readSchedLock func() lockCounts

func schedLock() (c lockCounts) {
	if readSchedLock != nil {
		c = readSchedLock()
	}
	return c
}

func counted() string {
	if readSchedLock != nil {
		return "sched"
	}
	return ""
}

func (c lockCounts) sub(before lockCounts) lockCounts {
	return lockCounts{c.holds - before.holds, c.contended - before.contended, c.waitNs - before.waitNs, c.holdNs - before.holdNs}
}

func (c lockCounts) record(r *sample.Recorder, name string, hops float64) {
	if readSchedLock == nil {
		return
	}
	holds := float64(max(c.holds, 1))
	r.Set(name+"/holds_per_hop", float64(c.holds)/hops)
	r.Set(name+"/contended_share", float64(c.contended)/holds)
	r.Set(name+"/wait_ns", c.waitNs/holds)
	r.Set(name+"/hold_ns", c.holdNs/holds)
}
