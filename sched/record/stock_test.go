//go:build !goexperiment.schedhook

package record

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestStock: on stock Go it is said what is missing, and what is left works.
func TestStock(t *testing.T) {
	ok, why := Supported()
	if ok || !strings.Contains(why, "GOEXPERIMENT schedhook") {
		t.Errorf("supported: %v, %q", ok, why)
	}
	r, err := New(Config{Limit: time.Second, Starved: func(Starved) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := r.Request("a")
	q.End()
	if p := q.Explain(); p.Unknown != q.Time() {
		t.Errorf("of %v: %+v", q.Time(), p)
	}
	if s := r.Snapshot(); s.Process.Count() == 0 || len(s.Groups) != 0 {
		t.Errorf("%+v", s)
	}
	if err := r.WriteTrace(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("a trace: %v", err)
	}
	ids := make(chan uint64)
	go func() { ids <- goroutineID() }()
	if mine, other := goroutineID(), <-ids; mine == 0 || other == 0 || mine == other {
		t.Errorf("goroutines %d and %d", mine, other)
	}
}
