//go:build goexperiment.ggroup

package ggroup_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

var sink any

// TestCollectionsWait: one that is due waits for a stretch, and begins at the
// quiet point after it without anybody's allocating.
func TestCollectionsWait(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 62))
	ballast := make([]byte, 16<<20)
	g := open(t, "deferring", ggroup.WithGCDeferral(1))
	var m runtime.MemStats
	g.Do(func() {
		runtime.GC()
		runtime.ReadMemStats(&m)
		cycles := m.NumGC
		ggroup.Critical(func() {
			for size := m.HeapAlloc; size < m.NextGC+m.NextGC/5; size += 64 << 10 {
				sink = make([]byte, 64<<10)
			}
		})
		if runtime.ReadMemStats(&m); m.NumGC != cycles {
			t.Fatal("a collection began in a critical stretch")
		}
		ggroup.QuietPoint()
		for m.NumGC == cycles {
			runtime.Gosched()
			runtime.ReadMemStats(&m)
		}
	})
	if d := g.Stats().Deferred; d.QuietPoint != 1 || d.Count() != 1 || d.Time == 0 {
		t.Errorf("Deferred = %+v", d)
	}
	runtime.KeepAlive(ballast)
}

// TestAssistIsExcused: of two groups that allocate while the collector marks,
// one owes what the other one does.
func TestAssistIsExcused(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	type list struct {
		next *list
		_    [7]*list
	}
	live := new(list)
	for range 200_000 {
		live = &list{next: live}
	}
	exempt, plain := open(t, "exempt", ggroup.WithAssistExempt()), open(t, "plain")
	end, ended := make(chan bool), make(chan bool)
	allocate := func() {
		var l *list
		for range 1000 {
			l = &list{next: l}
		}
		runtime.KeepAlive(l)
	}
	for _, g := range []*ggroup.Group{exempt, plain} {
		ggroup.BindTo(g, func() {
			defer func() { ended <- true }()
			for {
				select {
				case <-end:
					return
				default:
					allocate()
				}
			}
		})
	}
	var m runtime.MemStats
	for {
		allocate()
		if e, p := exempt.Stats(), plain.Stats(); e.AssistExcused > 0 && p.AssistPaid > 0 && p.AssistTime > 0 {
			break
		}
		if runtime.ReadMemStats(&m); m.NumGC > 2000 {
			t.Error("2000 collections were not enough")
			break
		}
	}
	close(end)
	<-ended
	<-ended
	if s := plain.Stats(); s.AssistExcused != 0 {
		t.Errorf("a group that is not exempt: %+v", s)
	}
	runtime.KeepAlive(live)
}

func BenchmarkCritical(b *testing.B) {
	g := ggroup.New("critical", ggroup.WithGCDeferral(0.5))
	defer g.Close()
	g.Do(func() {
		for b.Loop() {
			ggroup.Critical(func() {})
		}
	})
}

func BenchmarkQuietPoint(b *testing.B) {
	g := ggroup.New("quiet", ggroup.WithGCDeferral(0.5))
	defer g.Close()
	g.Do(func() {
		for b.Loop() {
			ggroup.QuietPoint()
		}
	})
}
