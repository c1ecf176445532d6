package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
)

// collector is the state of the collector's accounts.
type collector struct {
	stats          debug.GCStats
	assist, all    float64 // CPU seconds of the collector
	total          float64 // that there were, idle ones included
	allocatedBytes uint64
}

func readCollector() (c collector) {
	read := []metrics.Sample{
		{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}, {Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(read)
	c.assist, c.all, c.total = read[0].Value.Float64(), read[1].Value.Float64(), read[2].Value.Float64()
	c.allocatedBytes = read[3].Value.Uint64()
	debug.ReadGCStats(&c.stats)
	return c
}

// record sets what happened since before.
func (c collector) record(r *sample.Recorder, before collector) {
	count := c.stats.NumGC - before.stats.NumGC
	longest := time.Duration(0)
	for _, pause := range c.stats.Pause[:min(int(count), len(c.stats.Pause))] { // the latest first
		longest = max(longest, pause)
	}
	r.Set("collections_per_min", float64(count)/window.Minutes())
	r.Set("stop/max_us", delay.Microseconds.In(longest))
	r.Set("stop/us_per_s", delay.Microseconds.In(c.stats.PauseTotal-before.stats.PauseTotal)/window.Seconds())
	// The runtime closes its accounts of CPU time when a collection ends.
	r.Set("assist_cpu_us_per_s", (c.assist-before.assist)*1e6/window.Seconds())
	share := 0.0
	if total := c.total - before.total; total > 0 {
		share = (c.all - before.all) / total
	}
	r.Set("collector_cpu_share", share)
	allocated := float64(c.allocatedBytes - before.allocatedBytes)
	r.Set("garbage_mib_per_s", allocated/(1<<20)/window.Seconds())
	r.Set("collections_per_gib", float64(count)/(allocated/(1<<30)))
}
