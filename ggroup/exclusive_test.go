//go:build goexperiment.ggroup

package ggroup_test

import (
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// TestExclusiveTimer: a timer that was set on a group's own processor is not late
// because the group computes there: an idle processor sees to it. In a process
// of its own, without preemption by signals, so that nothing else can.
func TestExclusiveTimer(t *testing.T) {
	const only = "WEIR_TEST_EXCLUSIVE_TIMER"
	if os.Getenv(only) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestExclusiveTimer$")
		cmd.Env = append(os.Environ(), only+"=1", "GODEBUG=asyncpreemptoff=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	g := open(t, "exclusive", ggroup.WithExclusive(1))
	fired := make(chan bool)
	ggroup.BindTo(g, func() {
		var due atomic.Bool
		time.AfterFunc(time.Millisecond, func() { due.Store(true) })
		for i := 0; i < 1<<34 && !due.Load(); i++ { // no calls: it is not stopped
		}
		fired <- due.Load()
	})
	if !<-fired {
		t.Error("the timer waited until its processor was free")
	}
}
