package probe

import (
	"math"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

func TestQuantiles(t *testing.T) {
	var h Histogram
	if h.Count() != 0 || h.Quantile(0.5) != 0 || h.Quantile(1) != 0 {
		t.Errorf("an empty one: %+v", h)
	}
	for d := time.Duration(1); d <= 100; d++ {
		h.Counts[bucketOf(d)]++
	}
	for q, want := range map[float64]time.Duration{0: 2, 0.01: 2, 0.02: 4, 0.5: 64, 0.63: 64, 0.64: 128, 1: 128} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v: %d, not %d", q, got, want)
		}
	}
	if d := h.sub(h); d.Count() != 0 {
		t.Errorf("%+v", d)
	}
}

// The kernel's programs choose the buckets that this package thinks.
func TestBuckets(t *testing.T) {
	needKernel(t)
	value := func(offset uint32) asm.Instruction {
		return asm.LoadMapValue(asm.R1, 0, offset).WithReference("value")
	}
	c := &code{}
	c.do(value(0), asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord))
	c.bucket()
	c.do(value(8), asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord))
	loaded, err := ebpf.NewCollection(&ebpf.CollectionSpec{
		Maps:     map[string]*ebpf.MapSpec{"value": {Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1}},
		Programs: map[string]*ebpf.ProgramSpec{"bucket": {Type: ebpf.SocketFilter, Instructions: c.end("out"), License: license}},
	})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer loaded.Close()
	durations := []uint64{0, 1, math.MaxInt64}
	for shift := 1; shift < 63; shift++ {
		durations = append(durations, 1<<shift-1, 1<<shift, 1<<shift+1)
	}
	for _, d := range durations {
		value := [2]uint64{d}
		if err := loaded.Maps["value"].Put(uint32(0), value); err != nil {
			t.Fatal(err)
		}
		if _, _, err := loaded.Programs["bucket"].Test(make([]byte, 64)); err != nil {
			t.Skipf("not supported: programs cannot be tried: %v", err)
		}
		if err := loaded.Maps["value"].Lookup(uint32(0), &value); err != nil {
			t.Fatal(err)
		}
		if want := bucketOf(time.Duration(d)); value[1] != uint64(want) {
			t.Errorf("%d: bucket %d, not %d", d, value[1], want)
		}
	}
}
