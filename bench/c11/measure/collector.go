package main

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
)

// collector is what the garbage collector has done so far.
type collector struct {
	cpuSeconds  float64
	collections uint32
	pauses      [256]uint64 // ns of each of the last, a ring
	percent     int32
	limitBytes  uint64
}

func readCollector() *collector {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(samples)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return &collector{
		cpuSeconds: samples[0].Value.Float64(), collections: stats.NumGC, pauses: stats.PauseNs,
		percent: int32(samples[1].Value.Uint64()), limitBytes: samples[2].Value.Uint64(),
	}
}

// record records what was done since before, in the time given.
func (c *collector) record(r *sample.Recorder, name string, before *collector, took time.Duration) {
	var pauses delay.Set
	sum := time.Duration(0)
	for n := max(before.collections, c.collections-min(c.collections, 256)); n < c.collections; n++ {
		d := time.Duration(c.pauses[n%256])
		pauses.Add(d)
		sum += d
	}
	r.Set(name+"/gc_cpu_share", (c.cpuSeconds-before.cpuSeconds)/took.Seconds()/float64(*processors))
	r.Set(name+"/gc_per_min", float64(c.collections-before.collections)/took.Minutes())
	r.Set(name+"/pause_mean_ms", delay.Milliseconds.In(pauses.Mean()))
	r.Set(name+"/pause_p99_ms", delay.Milliseconds.In(pauses.Quantile(0.99)))
	r.Set(name+"/pause_max_ms", delay.Milliseconds.In(pauses.Max()))
	r.Set(name+"/pause_total_us_per_s", delay.Microseconds.In(sum)/took.Seconds())
	r.Set(name+"/gogc", float64(c.percent))
	limit := 0.0
	if c.limitBytes != math.MaxInt64 {
		limit = float64(c.limitBytes) / (1 << 20)
	}
	r.Set(name+"/memory_limit_mib", limit)
}
