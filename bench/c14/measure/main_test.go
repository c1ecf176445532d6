package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
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
		"capacity-seconds": "0.2", "base-seconds": "0.3", "peak-seconds": "0.3", "low-seconds": "0.2", "low-turns": "2",
		"step": "200us",
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

// contenders are policies over a model.
func contenders(t *testing.T, m engine.Model, names ...string) (all []*contender) {
	t.Helper()
	for _, name := range names {
		l, err := openLoop(m, nil, name, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &contender{name: name, loop: l, vocabulary: enginetest.VocabSize})
	}
	return all
}

// TestPolicies: each policy answers all that comes, under each load, and leaves nothing in
// the engine.
func TestPolicies(t *testing.T) {
	small(t)
	m, _ := recorded()
	r := sample.NewRecorder(c14.Experiment)
	all := contenders(t, m, "padded", "fixed", "article", "learned")
	for _, c := range all {
		if failed, err := c.measure(r, "", 100); err != nil || failed != 0 {
			t.Errorf("%s: %d failed, %v", c.name, failed, err)
		}
	}
	if failed, err := measureLow(r, all, 100); err != nil || failed != 0 {
		t.Errorf("%d failed, %v", failed, err)
	}
	for _, c := range all {
		if err := c.loop.Close(); err != nil {
			t.Error(err)
		}
	}
	got := r.Measurements()
	for _, name := range []string{"fixed/base/", "article/peak/", "learned/low/", "padded/low/"} {
		if got[name+"steps_per_request"] < 1 || got[name+"tokens_per_step"] < 1 || got[name+"requests"] < 1 || got[name+"processors"] <= 0 || got[name+"p99_ms"] < got[name+"p50_ms"] || got[name+"backlog"] < 0 {
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

// TestLowLoadTakesAsManySteps: what learned does beyond the fixed batch, where there is little
// to do, is to take a prompt in some pieces where somebody decodes. That is one step in a
// hundred; the tokens are the same.
func TestLowLoadTakesAsManySteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := enginetest.New(enginetest.Options{Delay: func(b *engine.Batch) time.Duration {
			return 110*time.Microsecond + time.Duration(b.Len())*70*time.Microsecond // tiny, on one processor
		}})
		var steps, rows [2]float64
		for i, name := range []string{"fixed", "learned"} {
			l, err := openLoop(m, nil, name, 1800*time.Microsecond)
			if err != nil {
				t.Fatal(err)
			}
			o, err := phase{"low", 14, 15}.run(l, enginetest.VocabSize, 1)
			if err := errors.Join(err, l.Close()); err != nil || o.failed > 0 {
				t.Fatalf("%d failed, %v", o.failed, err)
			}
			steps[i], rows[i] = float64(o.steps), float64(o.rows)
			t.Logf("%s: %d requests, %v steps, %v rows", name, len(o.spans), steps[i], rows[i])
		}
		if steps[1] > 1.03*steps[0] || rows[1] > 1.01*rows[0] {
			t.Errorf("fixed: %v steps of %v rows, learned: %v of %v", steps[0], rows[0], steps[1], rows[1])
		}
	})
}

// TestMadeUp: the engine of an accelerator's shape is put under the loads, and its metrics
// have their place.
func TestMadeUp(t *testing.T) {
	small(t)
	r := sample.NewRecorder(c14.Experiment)
	failed, err := measureEngine(r, madeUp(), nil, "made/", []string{"fixed", "learned"})
	got := r.Measurements()
	if err != nil || failed != 0 || got["made/capacity_per_s"] <= 0 || got["made/learned/peak/requests"] < 1 || got["made/learned/peak/requests"] != got["made/fixed/peak/requests"] {
		t.Errorf("%d failed, %v: %v", failed, err, got)
	}
	if _, ok := got["made/fixed/low/requests"]; ok {
		t.Error("it was put under the low load")
	}
}

// TestOutcomesAdd: what comes behind is later, and the same windows twice are the same load.
func TestOutcomesAdd(t *testing.T) {
	one := outcome{window: 3 * time.Second, cpu: time.Second, steps: 4, rows: 8, failed: 1, spans: []span{{seconds(1), seconds(2)}}}
	one.gaps.Add(time.Second)
	var o outcome
	o.add(&one)
	o.add(&one)
	if want := []span{{seconds(1), seconds(2)}, {seconds(4), seconds(5)}}; !slices.Equal(o.spans, want) {
		t.Errorf("%v", o.spans)
	}
	if o.window != 6*time.Second || o.cpu != 2*time.Second || o.steps != 8 || o.rows != 16 || o.failed != 2 || o.gaps.Len() != 2 {
		t.Errorf("%+v", o)
	}
	if got, want := o.backlog(0, o.window), one.backlog(0, one.window); math.Abs(got-want) > 1e-9 {
		t.Errorf("a backlog of %v, want %v", got, want)
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
		{"sequences": "0"}, {"batch": "3"}, {"closed-loop": "5"}, {"tokens": "1"}, {"low-share": "0"}, {"peak-seconds": "0"}, {"low-turns": "0"}, {"step": "0s"},
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
