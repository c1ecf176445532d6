package histogram

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

var desc = prometheus.NewDesc("gap_seconds", "Between two tokens.", nil, prometheus.Labels{"model_name": "tiny"})

func Example() {
	gaps := New(prometheus.NewDesc("gap_seconds", "Between two tokens.", nil, nil), Seconds, .001, .01)
	gaps.Observe(int64(5 * time.Millisecond))
	gaps.ObserveN(0, 2)
	registry := prometheus.NewRegistry()
	registry.MustRegister(gaps)
	families, _ := registry.Gather()
	shown := families[0].Metric[0].Histogram
	fmt.Println(shown.GetSampleCount(), "gaps of", shown.GetSampleSum(), "s")
	for _, b := range shown.Bucket {
		fmt.Println(b.GetCumulativeCount(), "up to", b.GetUpperBound())
	}
	// Output:
	// 3 gaps of 0.005 s
	// 2 up to 0.001
	// 3 up to 0.01
}

// Values at a bound, beside it and above all go where Prometheus has them.
func TestBuckets(t *testing.T) {
	h := New(desc, Seconds, .001, .01, .1)
	for _, v := range []time.Duration{-1, 0, time.Millisecond, time.Millisecond + 1, 10 * time.Millisecond, 100 * time.Millisecond, 100*time.Millisecond + 1, time.Hour} {
		h.Observe(int64(v))
	}
	want := "# HELP gap_seconds Between two tokens.\n# TYPE gap_seconds histogram\n" +
		`gap_seconds_bucket{model_name="tiny",le="0.001"} 3` + "\n" +
		`gap_seconds_bucket{model_name="tiny",le="0.01"} 5` + "\n" +
		`gap_seconds_bucket{model_name="tiny",le="0.1"} 6` + "\n" +
		`gap_seconds_bucket{model_name="tiny",le="+Inf"} 8` + "\n" +
		`gap_seconds_sum{model_name="tiny"} 3600.212000001` + "\n" +
		`gap_seconds_count{model_name="tiny"} 8` + "\n"
	if got := collected(t, h); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func collected(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if _, err := expfmt.MetricFamilyToText(&text, families[0]); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Nothing that many observe at once is lost.
func TestOfMany(t *testing.T) {
	h := New(desc, Count, 1, 2)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 1000 {
				h.Observe(int64(i))
			}
		})
	}
	all.Wait()
	families := prometheus.NewRegistry()
	families.MustRegister(h)
	got, err := families.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := got[0].Metric[0].Histogram
	if shown.GetSampleCount() != 4000 || shown.GetSampleSum() != 6000 || shown.Bucket[0].GetCumulativeCount() != 2000 || shown.Bucket[1].GetCumulativeCount() != 3000 {
		t.Errorf("%v", shown)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	h := New(desc, Seconds, .001, .01, .1)
	if n := testing.AllocsPerRun(100, func() { h.Observe(12345678) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBoundsAscend(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("bounds that do not ascend are taken")
		}
	}()
	New(desc, Count, 2, 1)
}

// What a token's gap costs: here, and with client_golang's histograms.
func BenchmarkObserve(b *testing.B) {
	bounds := []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 10, 30, 60}
	gaps := [...]time.Duration{700 * time.Microsecond, 4 * time.Millisecond, 23 * time.Millisecond, 31 * time.Millisecond}
	b.Run("ours", func(b *testing.B) {
		h := New(desc, Seconds, bounds...)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			h.Observe(int64(gaps[i%len(gaps)]))
		}
	})
	for name, factor := range map[string]float64{"classic": 0, "native": 1.1} {
		b.Run(name, func(b *testing.B) {
			h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", Buckets: bounds, NativeHistogramBucketFactor: factor, NativeHistogramMaxBucketNumber: 160})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				h.Observe(gaps[i%len(gaps)].Seconds())
			}
		})
	}
}
