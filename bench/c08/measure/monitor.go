package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// A monitor is the logger and the churners.
type monitor struct {
	group            *ggroup.Group
	document         []byte
	done             sync.WaitGroup
	lines, documents atomic.Int64
}

func newMonitor() (*monitor, error) {
	document, err := json.Marshal(spans())
	if err != nil {
		return nil, fmt.Errorf("make a document: %w", err)
	}
	group, err := ggroup.Open("monitor", monitorOptions()...)
	return &monitor{group: group, document: document}, err
}

// A span is a part of a document.
type span struct {
	Name   string            `json:"name"`
	Begins time.Time         `json:"begins"`
	Labels map[string]string `json:"labels"`
	Values []float64         `json:"values"`
}

func spans() (all []span) {
	for i := range 24 {
		all = append(all, span{
			Name: fmt.Sprintf("step %d", i), Begins: time.Unix(int64(i), 0).UTC(),
			Labels: map[string]string{"model": "tiny", "route": "/v1/chat/completions", "id": fmt.Sprint(i)},
			Values: []float64{1, 1.5, float64(i), 1 / float64(i+1)},
		})
	}
	return all
}

// start begins all of them; they end at the time given.
func (m *monitor) start(ends time.Time) error {
	begins := time.Now()
	m.done.Add(1 + *churners)
	if err := m.group.Go(func() {
		defer m.done.Done()
		m.log(begins, ends)
	}); err != nil {
		return err
	}
	for range *churners {
		if err := m.group.Go(func() {
			defer m.done.Done()
			m.churn(begins, ends)
		}); err != nil {
			return err
		}
	}
	return nil
}

// each works at each due time. What could not be done in time is done after it,
// so that the garbage is the same on both toolchains, but not after the end; once
// it works in any case.
func each(begins, ends time.Time, every time.Duration, work func()) {
	for n, due := 0, begins; n == 0 || due.Before(ends) && time.Now().Before(ends); n, due = n+1, due.Add(every) {
		time.Sleep(time.Until(due))
		work()
	}
}

// log writes lines, which nobody reads.
func (m *monitor) log(begins, ends time.Time) {
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	each(begins, ends, time.Second/time.Duration(*linesPerSecond), func() {
		logger.Info("request finished", "model", "tiny", "route", "/v1/chat/completions",
			"tokens", m.lines.Load(), "labels", map[string]string{"class": "latency", "status": "200"})
		m.lines.Add(1)
	})
}

// churn decodes and encodes documents.
func (m *monitor) churn(begins, ends time.Time) {
	each(begins, ends, *churnEvery, func() {
		for range *documents {
			var decoded any
			if err := json.Unmarshal(m.document, &decoded); err != nil {
				panic("c08: a document does not decode")
			}
			if _, err := json.Marshal(decoded); err != nil {
				panic("c08: a document does not encode")
			}
			m.documents.Add(1)
		}
	})
}

func (m *monitor) record(r *sample.Recorder) {
	r.Set("lines_per_s", float64(m.lines.Load())/window.Seconds())
	r.Set("documents_per_s", float64(m.documents.Load())/window.Seconds())
}
