package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c14"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// small is a machine for which little is enough.
func small(t *testing.T) {
	t.Helper()
	sampletest.SetFlags(t, map[string]string{
		"sequences": "4", "batch": "8", "closed-loop": "2", "prompt-tokens": "6", "tokens": "4",
		"capacity-seconds": "0.2", "base-seconds": "0.3", "peak-seconds": "0.3", "low-seconds": "0.2",
	})
}

// recorded is a model that remembers how many rows its batches have.
func recorded() (m *enginetest.Model, rows func() []int) {
	var mu sync.Mutex
	var all []int
	m = enginetest.New(enginetest.Options{Delay: func(b *engine.Batch) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, b.Len())
		return 0
	}})
	return m, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// TestPolicies: each policy answers all that comes, under each load, and leaves nothing in
// the engine.
func TestPolicies(t *testing.T) {
	small(t)
	m, _ := recorded()
	r := sample.NewRecorder(c14.Experiment)
	for _, name := range []string{"padded", "fixed", "article", "learned"} {
		failed, err := measurePolicy(r, m, nil, name, time.Second, 100)
		if err != nil || failed != 0 {
			t.Errorf("%s: %d failed, %v", name, failed, err)
		}
	}
	got := r.Measurements()
	for _, name := range []string{"fixed/base/", "article/peak/", "learned/low/", "padded/low/"} {
		if got[name+"requests"] < 1 || got[name+"processors"] <= 0 || got[name+"p99_ms"] < got[name+"p50_ms"] || got[name+"backlog"] < 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got["fixed/peak/requests"] != got["learned/peak/requests"] {
		t.Errorf("policies were asked for different things: %v", got)
	}
	if n := m.CachedTokens(); n != 0 || m.Open() != 0 {
		t.Errorf("%d tokens and %d contexts are left", n, m.Open())
	}
}

// TestPaddedBatchesAreFull, and fixed ones are no larger.
func TestPaddedBatchesAreFull(t *testing.T) {
	small(t)
	for name, full := range map[string]bool{"padded": true, "fixed": false} {
		m, rows := recorded()
		l, err := openLoop(m, nil, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 1))
		var following sync.WaitGroup
		for range 6 {
			g, err := l.Submit(request(random, enginetest.VocabSize, 6, 4))
			if err != nil {
				t.Fatal(err)
			}
			following.Go(func() {
				if err := follow(g, func(time.Duration) {}); err != nil {
					t.Error(err)
				}
			})
		}
		following.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		seen := rows()
		if least, most := slices.Min(seen), slices.Max(seen); most > 8 || full && least < 8 || !full && least >= 8 {
			t.Errorf("%s: batches of %d to %d rows", name, least, most)
		}
	}
}

func TestFixed(t *testing.T) {
	limits := pace.Limits{LeastPrompt: 1, MostPrompt: 50, Prompt: 9, Sequences: 8}
	for decodes, want := range map[int]int{0: 50, 8: 50, 20: 44, 63: 1, 64: 1, 70: 1} {
		if got := fixed(64).Decide(pace.Demand{DecodeRows: decodes, Limits: limits}); got.PromptTokens != want || got.Sequences != 8 {
			t.Errorf("beside %d: %+v, want %d", decodes, got, want)
		}
	}
}

func TestCalibrate(t *testing.T) {
	small(t)
	m, _ := recorded()
	found, err := calibrate(m, nil)
	if err != nil || found.gap < 0 || found.perSecond <= 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestDue: the same times for the same seed, of about the rate.
func TestDue(t *testing.T) {
	p := phase{"peak", 1000, 20}
	times := p.due(rand.New(rand.NewPCG(3, 14)))
	if n := len(times); n < 19_000 || n > 21_000 || !slices.IsSorted(times) || times[n-1] >= 20*time.Second {
		t.Errorf("%d requests", n)
	}
	if again := p.due(rand.New(rand.NewPCG(3, 14))); !slices.Equal(times, again) {
		t.Error("the same seed gave other times")
	}
}

func TestBacklog(t *testing.T) {
	s := func(due, end float64) span { return span{seconds(due), seconds(end)} }
	o := outcome{window: 9 * time.Second, spans: []span{s(1, 2), s(3, 5), s(4, 10), s(8, 12)}}
	for _, c := range []struct{ from, to, want float64 }{{0, 3, 1.0 / 3}, {3, 6, 4.0 / 3}, {6, 9, 4.0 / 3}, {0, 9, 1}, {2, 3, 0}} {
		if got := o.backlog(seconds(c.from), seconds(c.to)); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	if got := o.growth(); got != 0 {
		t.Errorf("steady: %v", got)
	}
	// Ten a second, of which each waits for a tenth of a second longer than the one before.
	o = outcome{window: 9 * time.Second}
	for i := range 90 {
		due := float64(i) / 10
		o.spans = append(o.spans, s(due, 2*due+0.1))
	}
	if got := o.growth(); got < 0.4 || got > 0.6 {
		t.Errorf("half is not served: %v", got)
	}
	if got := (&outcome{window: time.Second}).growth(); got != 0 {
		t.Errorf("nobody came: %v", got)
	}
}

func TestFlagsAreChecked(t *testing.T) {
	for _, flags := range []map[string]string{
		{"sequences": "0"}, {"batch": "3"}, {"closed-loop": "5"}, {"tokens": "1"}, {"low-share": "0"}, {"peak-seconds": "0"},
	} {
		t.Run("", func(t *testing.T) {
			small(t)
			if err := check([]string{"fixed"}); err != nil {
				t.Fatal(err)
			}
			sampletest.SetFlags(t, flags)
			if err := check([]string{"fixed"}); err == nil {
				t.Errorf("%v was taken", flags)
			}
		})
	}
	for _, names := range [][]string{{"other"}, {"padded"}, {"fixed", "fixed"}, {""}} {
		if check(names) == nil {
			t.Errorf("%q was taken", names)
		}
	}
}
