package main

import (
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/internal/ccall"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
)

// turn is how long a hog computes between looks at the clock.
const turn = 20 * time.Microsecond

// returnBeside measures returns from C beside the hogs, of two kinds. One
// computes as a decode step does, and notes the time as its last act. The other
// sleeps: its delay is all that the call took longer than the sleep, the
// kernel's own wake-up of the thread included.
func returnBeside(r *sample.Recorder, sleepInC func(time.Duration)) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(*processors))
	c, err := ccall.New(*shortCall)
	if err != nil {
		return err
	}
	turnSteps := crowd.Calibrate(turn)
	for _, kind := range []struct {
		name string
		call func() (late time.Duration)
	}{
		{"compute", c.Call},
		{"sleep", func() time.Duration {
			begin := time.Now()
			sleepInC(*shortCall)
			return time.Since(begin) - *shortCall
		}},
	} {
		group, err := engine()
		if err != nil {
			return err
		}
		gate := crowd.NewGate()
		beside := crowd.Gather(gate, *hogs, func(f func()) { go f() }, turnSteps)
		var late delay.Set
		opened := make(chan time.Time, 1)
		// This goroutine waits behind the hogs once the gate is open.
		go func() {
			ends := time.Now().Add(*window)
			opened <- ends
			gate.Open(ends)
		}()
		err = inGroup(group, func() {
			for ends := <-opened; late.Len() == 0 || time.Now().Before(ends); {
				late.Add(kind.call())
			}
		})
		if err != nil {
			return err
		}
		beside.Wait()
		late.Record(r, "return_"+kind.name+"/late", delay.Microseconds)
	}
	return nil
}

// costOfCalls measures a C call that does nothing, by a goroutine of no group
// and by the engine's, with nothing else to run.
func costOfCalls(r *sample.Recorder) error {
	c, err := ccall.New(0)
	if err != nil {
		return err
	}
	cost := func() float64 {
		var perCall []float64
		for range 10 {
			begin := time.Now()
			for range *emptyCalls / 10 {
				c.Call()
			}
			perCall = append(perCall, float64(time.Since(begin).Nanoseconds())/float64(max(1, *emptyCalls/10)))
		}
		return sample.Median(perCall)
	}
	r.Set("call/plain_ns", cost())
	group, err := engine()
	if err != nil {
		return err
	}
	var eager float64
	if err := inGroup(group, func() { eager = cost() }); err != nil {
		return err
	}
	r.Set("call/eager_ns", eager)
	return nil
}
