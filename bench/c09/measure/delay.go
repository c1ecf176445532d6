package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// A node is a piece of the live heap.
type node struct {
	next *node
	_    [48]byte
}

// liveHeap returns linked nodes of the size asked for: what a collection has
// to mark.
func liveHeap(mib int) *node {
	var head *node
	for range mib << 20 / 56 {
		head = &node{next: head}
	}
	return head
}

// measureDelays measures the inference group beside each kind of monitoring.
func measureDelays(r *sample.Recorder, turnSteps int) error {
	live := liveHeap(*liveMiB)
	defer runtime.KeepAlive(live)
	workSteps := max(1, turnSteps*int(*tokenWork)/int(turn))
	for _, cell := range []struct {
		name                string
		monitoring, limited bool
	}{{"alone", false, false}, {"unlimited", true, false}, {"quota", true, true}} {
		if err := measureDelay(r, cell.name, cell.monitoring, cell.limited, workSteps); err != nil {
			return err
		}
	}
	return nil
}

func measureDelay(r *sample.Recorder, name string, monitored, limited bool, workSteps int) error {
	infer, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return err
	}
	monitor, err := monitoring(limited)
	if err != nil {
		return err
	}
	var before, after debug.GCStats
	debug.ReadGCStats(&before)
	begins := time.Now().Add(10 * time.Millisecond)
	ends := begins.Add(*window)
	late := make([]delay.Set, *inference)
	tokens := make([][]byte, *inference)
	var done sync.WaitGroup
	done.Add(*inference)
	for i := range late {
		first := begins.Add(*interval * time.Duration(i) / time.Duration(*inference))
		err := infer.Go(func() {
			defer done.Done()
			late[i].AddDue(first, ends, *interval, func(begun time.Time) {
				state := crowd.Compute(uint64(begun.Nanosecond()), workSteps)
				tokens[i] = make([]byte, 256) // a token's share of garbage
				tokens[i][0] = byte(state)
			})
		})
		if err != nil {
			return err
		}
	}
	var lines atomic.Int64
	done.Add(*monitors * count(monitored))
	for range *monitors * count(monitored) {
		err := monitor.Go(func() {
			defer done.Done()
			lines.Add(observe(ends))
		})
		if err != nil {
			return err
		}
	}
	done.Go(func() { collect(ends) })
	done.Wait()
	debug.ReadGCStats(&after)

	var all delay.Set
	for i := range late {
		all.Merge(&late[i])
	}
	all.Record(r, name+"/inference", delay.Microseconds)
	r.Set(name+"/monitor_lines_per_s", float64(lines.Load())/window.Seconds())
	r.Set(name+"/collections", float64(after.NumGC-before.NumGC))
	r.Set(name+"/pause_total_us", delay.Microseconds.In(after.PauseTotal-before.PauseTotal))
	accounted := monitor.Stats().Running
	r.Set(name+"/monitor_accounted_share", float64(accounted)/float64(*window)/float64(*processors))
	if err := crowd.Shutdown(infer); err != nil {
		return err
	}
	return crowd.Shutdown(monitor)
}

// collect has the heap collected again and again, so that the collector works
// no matter how much garbage monitoring gets to make; once at least.
func collect(ends time.Time) {
	for {
		runtime.GC()
		if !time.Now().Before(ends) {
			return
		}
		time.Sleep(*collectEvery)
	}
}

// A line is what monitoring writes, again and again.
type line struct {
	Time   time.Time         `json:"time"`
	Level  string            `json:"level"`
	Text   string            `json:"msg"`
	Labels map[string]string `json:"labels"`
	Values []float64         `json:"values"`
}

// keptLines are the newest lines that a monitoring goroutine keeps, so that
// its garbage is not all short-lived.
const keptLines = 1024

// observe encodes log lines until the time given, one at least, and returns how
// many.
func observe(ends time.Time) (lines int64) {
	kept := make([][]byte, keptLines)
	for now := time.Now(); lines == 0 || now.Before(ends); now = time.Now() {
		text, err := json.Marshal(line{
			Time: now, Level: "INFO", Text: "request finished",
			Labels: map[string]string{"model": "tiny", "class": "latency", "route": "/v1/chat/completions"},
			Values: []float64{1, 1.5, float64(lines), float64(now.Nanosecond())},
		})
		if err != nil {
			panic("c09: a line does not encode")
		}
		kept[lines%keptLines] = text
		lines++
	}
	return lines
}
