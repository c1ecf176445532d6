package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c11"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMeasure measures, small and short, under each policy.
func TestMeasure(t *testing.T) {
	*warmUp, *window = 40*time.Millisecond, 40*time.Millisecond
	*liveMiB, *besideMiB, *tightLive, *tightBeside, *limitMiB, *allocMiB, *work = 8, 4, 12, 8, 256, 20, 0
	for _, name := range []string{"off", "article", "auto"} {
		*policy = name
		r := sample.NewRecorder(c11.Experiment)
		if err := measure(r); err != nil {
			t.Fatal(err)
		}
		got := r.Measurements()
		for _, cell := range []string{"roomy", "tight"} {
			if n := got[cell+"/request_count"]; n != 8 { // 200 a second for 40 ms
				t.Errorf("%s, %s: %v requests, want 8", name, cell, n)
			}
			if limit := got[cell+"/memory_limit_mib"]; (limit == 0) != (name == "off") || limit > 256 {
				t.Errorf("%s, %s: memory limit %v MiB", name, cell, limit)
			}
			if share := got[cell+"/gc_cpu_share"]; share < 0 { // a long collection that ends in a short window is charged to it whole
				t.Errorf("%s, %s: the collector had %v of the processors", name, cell, share)
			}
		}
	}
	*policy = "on"
	if measure(sample.NewRecorder(c11.Experiment)) == nil {
		t.Error("an unknown policy is taken")
	}
}

// The cache has about the bytes that it is to have, and says so.
func TestCache(t *testing.T) {
	const want = 8 << 20
	var bytes atomic.Int64
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := newCache(sequences, &bytes)
	c.resize(want)
	c.grow(1, 1)
	for range 10 * len(c.sequences) * c.blocks {
		c.step()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := bytes.Load(); got < want*8/10 || got > want*12/10 {
		t.Errorf("%d bytes, want about %d", got, want)
	}
	heap := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if got := bytes.Load(); heap < got*8/10 || heap > got*12/10 {
		t.Errorf("the heap has grown by %d, the cache by %d", heap, got)
	}
	runtime.KeepAlive(c)
}
