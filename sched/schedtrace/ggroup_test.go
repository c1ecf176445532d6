package schedtrace

import (
	"bytes"
	"runtime/trace"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

// record traces what run does.
func record(t *testing.T, run func()) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := trace.Start(&out); err != nil {
		t.Skipf("not supported while the test itself is traced: %v", err)
	}
	run()
	trace.Stop()
	return out.Bytes()
}

// Goroutines of groups are told by them, on both runtimes.
func TestTraceOfGroups(t *testing.T) {
	infer, monitor := ggroup.New("infer"), ggroup.New("monitor")
	const turns = 50
	r := read(t, record(t, func() {
		ask, answer := make(chan int), make(chan int)
		ggroup.BindTo(infer, func() {
			for n := range ask {
				answer <- n
			}
			close(answer)
		})
		inherited := make(chan bool)
		err := monitor.Do(func() {
			go func() { // is in the group, too
				for n := range turns {
					ask <- n
					<-answer
				}
				close(ask)
				close(inherited)
			}()
		})
		if err != nil {
			t.Error(err)
		}
		<-inherited
		<-answer
	}), Config{})
	for _, name := range []string{"infer", "monitor"} {
		// Each takes turns with the other: of one that waits for the other's word there
		// is a latency, unless the word was there before it had to wait.
		if g := r.group(t, name); !g.GGroup || g.Run.Count == 0 || g.Park.Count == 0 {
			t.Errorf("%s: %v, %d woken, %d started", name, g.GGroup, g.Park.Count, g.Run.Count)
		}
	}
	for _, g := range []*ggroup.Group{infer, monitor} {
		if err := g.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
