package server_test

import (
	"bytes"
	"net/http"
	"runtime/trace"
	"strings"
	"sync"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/sched/schedtrace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// The server's own scheduler trace, read and held to limits: those of a machine on which
// nothing works any more, since a test says nothing about speed. What crosses one is told.
func TestSchedulerTrace(t *testing.T) {
	group := ggroup.New("inference")
	t.Cleanup(func() {
		if err := group.Shutdown(t.Context()); err != nil {
			t.Log(err) // the emitter may still be about to leave
		}
	})
	var text bytes.Buffer
	if err := trace.Start(&text); err != nil {
		t.Skipf("not supported while the test itself is traced: %v", err)
	}
	var streams sync.WaitGroup
	s := serve(t, saying(strings.Repeat("token ", 20)), engine.ContextConfig{}, local.Batching{Group: group}, func(c *front.Config) { c.Group = group })
	const clients, requests = 4, 3
	for range clients {
		streams.Go(func() {
			for range requests {
				if status, _, body := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true}`); status != http.StatusOK {
					t.Errorf("status %d: %s", status, body)
				}
			}
		})
	}
	streams.Wait()
	trace.Stop()
	report, err := schedtrace.Read(&text, schedtrace.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for limit, crossed := range map[string]bool{
		"park.p50=1m": false, "run.p50=1m": false, "run.p50@inference=1m": false, "park.over=100%": false,
		"park=0s": true, "run@inference=0s": true, "run@nobody=1m": true,
	} {
		l, err := schedtrace.ParseLimit(limit)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Check(l); (err != nil) != crossed {
			t.Errorf("%s: %v", limit, err)
		}
	}
	if report.Park.Count == 0 || report.Totals.Network.Count == 0 || len(report.Run.Worst) == 0 {
		var told strings.Builder
		_ = report.WriteText(&told)
		t.Errorf("nobody has waited, or for no network:\n%s", told.String())
	}
}
