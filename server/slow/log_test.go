package slow

import (
	"encoding/json/v2"
	"fmt"
	"math"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/record"
)

var begin = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// made is a request that came at a time, with its times in ms.
func made(id string, at time.Duration, receive, queue, first, decode, delivery int) *record.Request {
	r := &record.Request{
		ID: id, Route: "/v1/chat/completions", Status: 200, Begin: begin.Add(at), Tier: ask.TierPriority,
		Receive: millis(receive), Queue: millis(queue), Prompt: millis(first), Decode: millis(decode),
		First: millis(receive + queue + first), Total: millis(receive + queue + first + decode + delivery),
		PromptTokens: 10, CompletionTokens: 3, Reason: "stop", Streamed: true,
	}
	r.Spent = &ask.Spent{
		First: ask.Parts{Decode: int64(r.Prompt)}, After: ask.Parts{Prompts: int64(r.Decode)},
		Worst: ask.Gap{Token: 2, Parts: ask.Parts{Prompts: int64(r.Decode) / 2}},
	}
	return r
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// answer is what a client of a log gets.
type answer struct {
	FirstToken []request `json:"first_token"`
	LongestGap []request `json:"longest_gap"`
}

func get(t *testing.T, l *Log) (a answer) {
	t.Helper()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, nil)
	if err := json.Unmarshal(w.Body.Bytes(), &a, json.RejectUnknownMembers(true)); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return a
}

func ids(all []request) (s []string) {
	for _, r := range all {
		s = append(s, r.ID)
	}
	return s
}

func check(t *testing.T, what string, got []request, want ...string) {
	t.Helper()
	if fmt.Sprint(ids(got)) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, ids(got), want)
	}
}

func TestRankings(t *testing.T) {
	l := New(Config{Keep: 2, Window: time.Minute})
	check(t, "empty", get(t, l).FirstToken)
	l.Record(made("slow first", 0, 1, 2, 30, 4, 5))
	l.Record(made("slow gap", time.Second, 1, 2, 3, 40, 5))
	l.Record(made("quick", 2*time.Second, 1, 1, 1, 1, 1))
	l.Record(made("queued", 3*time.Second, 1, 20, 3, 4, 5))
	failed := made("failed", 4*time.Second, 1, 0, 0, 0, 9)
	failed.Spent, failed.First = nil, 0
	l.Record(failed)
	a := get(t, l)
	check(t, "by the first token", a.FirstToken, "slow first", "queued")
	check(t, "by the gap", a.LongestGap, "slow gap", "slow first")

	l.Record(made("later", 70*time.Second, 1, 2, 10, 4, 5)) // the next window: less is enough
	check(t, "of two windows", get(t, l).FirstToken, "slow first", "queued")
	l.Record(made("last", 140*time.Second, 1, 2, 3, 4, 5))
	check(t, "the first one is over", get(t, l).FirstToken, "later", "last")
	l.Record(made("alone", time.Hour, 1, 2, 3, 4, 5))
	check(t, "long after", get(t, l).FirstToken, "alone")
}

// TestTimelineSums: the phases are the whole, and their parts are theirs.
func TestTimelineSums(t *testing.T) {
	l := New(Config{})
	l.Record(made("a", 0, 1, 2, 30, 4, 5))
	r := get(t, l).FirstToken[0]
	sum := 0.0
	for _, p := range r.Timeline {
		sum += p.Ms
		if parts := total(p.Parts); p.Parts != nil && parts != p.Ms {
			t.Errorf("%s: parts are %v ms of %v", p.Phase, parts, p.Ms)
		}
	}
	if math.Abs(sum-r.TotalMs) > 1e-9 || r.TotalMs != 42 || r.FirstMs != 33 {
		t.Errorf("phases are %v ms: %+v", sum, r)
	}
	if g := r.LongestGap; g == nil || g.Token != 2 || total(g.Parts) != g.Ms || g.Ms != 2 {
		t.Errorf("gap %+v", g)
	}
}

func total(parts []part) (ms float64) {
	for _, p := range parts {
		ms += p.Ms
	}
	return ms
}

// TestTogether is for the race detector: many record while some look.
func TestTogether(t *testing.T) {
	l := New(Config{Keep: 3, Window: 10 * time.Millisecond})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 200 {
				l.Record(made(fmt.Sprint(i, n), millis(n), 1, 2, n%17, n%13, 1))
			}
		})
	}
	for range 20 {
		if a := get(t, l); len(a.FirstToken) > 3 || len(a.LongestGap) > 3 {
			t.Errorf("%d and %d are kept", len(a.FirstToken), len(a.LongestGap))
		}
	}
	group.Wait()
}
