package record

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// TestParallel: all may be asked at once while records come, by several recorders.
func TestParallel(t *testing.T) {
	s := newSchedule(7)
	s.run(2000)
	src := &script{names: map[int32]string{1: "one", 2: "two"}, self: 1}
	told := 0
	var all []*Recorder
	for range 3 {
		r := openWith(t, src, Config{Bytes: 500 * recordBytes, Window: time.Hour, Limit: 1, Every: 1, Starved: func(Starved) { told++ }})
		all = append(all, r)
	}
	all[0].gone.Go(all[0].watch)
	var work sync.WaitGroup
	for i := range all {
		r := all[i]
		for _, ask := range []func(){
			func() { r.Snapshot() },
			func() { checkWhole(t, "meanwhile", r.Explain(1, 500, 30_000), 29_500) },
			func() {
				q := r.Request("request")
				q.Explain()
				q.End()
				r.Add("other", 1, 2)
			},
			func() {
				if err := r.WriteTrace(&bytes.Buffer{}); err != nil {
					t.Error(err)
				}
			},
		} {
			work.Go(func() {
				for range 20 {
					ask()
				}
			})
		}
	}
	for _, r := range s.records {
		src.write(r)
	}
	work.Wait()
	for _, r := range all {
		if got := r.Snapshot(); got.Records != uint64(len(s.records)) {
			t.Errorf("%d records have come, want %d", got.Records, len(s.records))
		}
		r.Close()
	}
	if told == 0 {
		t.Error("of nothing was told")
	}
}
