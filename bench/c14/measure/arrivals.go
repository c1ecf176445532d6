package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/server/batch"
)

// phase is a load.
type phase struct {
	name      string
	perSecond float64
	seconds   float64
}

// drainLimit is for what has not ended when nothing more comes; what is left then
// has failed.
const drainLimit = 5 * time.Second

// span is a request, from when it was due to its end, since the beginning of its phase.
type span struct{ due, end time.Duration }

// outcome is what a phase came to.
type outcome struct {
	spans  []span
	gaps   delay.Set
	cpu    time.Duration // in the window
	window time.Duration
	steps  uint64 // of all requests, to their ends
	rows   uint64 // that these computed, of prompts and answers
	failed int
}

// add takes in a window that came behind this one.
func (o *outcome) add(next *outcome) {
	for _, s := range next.spans {
		o.spans = append(o.spans, span{o.window + s.due, o.window + s.end})
	}
	o.gaps.Merge(&next.gaps)
	o.cpu, o.window, o.failed = o.cpu+next.cpu, o.window+next.window, o.failed+next.failed
	o.steps, o.rows = o.steps+next.steps, o.rows+next.rows
}

// due are the times at which requests come.
func (p phase) due(random *rand.Rand) (times []time.Duration) {
	for at := 0.0; ; {
		if at += random.ExpFloat64() / p.perSecond; at >= p.seconds {
			return times
		}
		times = append(times, seconds(at))
	}
}

// run submits the requests of a phase as they become due and waits for their ends.
func (p phase) run(l *batch.Loop, vocabulary int, seed uint64) (*outcome, error) {
	random := rand.New(rand.NewPCG(seed, 14))
	times := p.due(random)
	o := &outcome{window: seconds(p.seconds), spans: make([]span, len(times))}
	gaps, failures := make([][]time.Duration, len(times)), make([]error, len(times))
	running := make([]*batch.Generation, len(times))
	var done sync.WaitGroup
	counted := l.Stats()
	before, err := sample.ProcessClock(os.Getpid())
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for i, due := range times {
		o.spans[i].due = due
		<-time.After(time.Until(begin.Add(due)))
		g, err := l.Submit(request(random, vocabulary, *promptTokens, *tokens))
		if err != nil {
			failures[i], o.spans[i].end = err, time.Since(begin)
			continue
		}
		running[i] = g
		done.Go(func() {
			failures[i] = follow(g, func(d time.Duration) { gaps[i] = append(gaps[i], d) })
			o.spans[i].end = time.Since(begin)
		})
	}
	<-time.After(time.Until(begin.Add(o.window)))
	after, err := sample.ProcessClock(os.Getpid())
	late := time.AfterFunc(drainLimit, func() {
		for _, g := range running {
			if g != nil {
				g.Cancel()
			}
		}
	})
	done.Wait()
	late.Stop()
	o.cpu = after - before
	computed := l.Stats()
	o.steps = computed.Steps - counted.Steps
	o.rows = computed.PromptTokens + computed.CompletionTokens - counted.PromptTokens - counted.CompletionTokens
	for i := range times {
		for _, d := range gaps[i] {
			o.gaps.Add(d)
		}
		if failures[i] != nil {
			o.failed++
			fmt.Fprintf(os.Stderr, "%s: %v\n", p.name, failures[i])
		}
	}
	return o, err
}

// backlog is how many requests are due and not ended between two times, on average.
func (o *outcome) backlog(from, to time.Duration) float64 {
	waited := time.Duration(0)
	for _, s := range o.spans {
		waited += max(0, min(s.end, to)-max(s.due, from))
	}
	return waited.Seconds() / (to - from).Seconds()
}

// growth is by how much more of them there are in the last third of the window than in
// the middle one, over the requests that come in a third. The first third is for the load
// to become what it is.
func (o *outcome) growth() float64 {
	third := o.window / 3
	return (o.backlog(2*third, o.window) - o.backlog(third, 2*third)) / max(1, float64(len(o.spans))/3)
}

// record sets what a phase came to.
func (o *outcome) record(r *sample.Recorder, prefix string) {
	var took delay.Set
	for _, s := range o.spans {
		took.Add(s.end - s.due)
	}
	ms := func(d time.Duration) float64 { return delay.Microseconds.In(d) / 1000 }
	r.Set(prefix+"p50_ms", ms(took.Quantile(0.5)))
	r.Set(prefix+"p99_ms", ms(took.Quantile(0.99)))
	r.Set(prefix+"gap_p50_us", delay.Microseconds.In(o.gaps.Quantile(0.5)))
	r.Set(prefix+"gap_p99_us", delay.Microseconds.In(o.gaps.Quantile(0.99)))
	r.Set(prefix+"processors", o.cpu.Seconds()/o.window.Seconds())
	r.Set(prefix+"requests", float64(len(o.spans)))
	r.Set(prefix+"steps_per_request", float64(o.steps)/float64(max(1, len(o.spans))))
	r.Set(prefix+"tokens_per_step", float64(o.rows)/float64(max(1, o.steps)))
	r.Set(prefix+"backlog", o.backlog(0, o.window))
	r.Set(prefix+"backlog_growth", o.growth())
}
