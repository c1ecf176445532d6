package ring

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// threads is the latency group that ring threads run in: a completion that
// waits behind batch work would delay every stream. It is opened with the first
// ring and closed with the last, because the runtime keeps a thread for
// readiness while a latency group exists. On stock Go it is a name in profiles.
var threads struct {
	mu      sync.Mutex
	group   *ggroup.Group // nil: none could be had
	rings   int
	logOnce sync.Once
}

const threadsGroup = "iouring"

// startThread runs fn on a goroutine of the group, or of none where all groups
// are taken; leaveThread is due when fn has returned.
func startThread(fn func()) {
	t := &threads
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rings++; t.rings == 1 {
		var err error
		if t.group, err = ggroup.Open(threadsGroup, ggroup.WithClass(ggroup.Latency)); err != nil {
			t.logOnce.Do(func() {
				slog.Warn("iouring: ring threads have no latency group and wait like others", "reason", err)
			})
		}
	}
	if t.group == nil || t.group.Go(fn) != nil {
		go fn()
	}
}

// groupPatience bounds how long a thread that has done its work may take to
// leave the group.
const groupPatience = time.Second

// leaveThread ends the group with the last thread.
func leaveThread() {
	t := &threads
	t.mu.Lock()
	var last *ggroup.Group
	if t.rings--; t.rings == 0 {
		last, t.group = t.group, nil
	}
	t.mu.Unlock()
	if last == nil {
		return
	}
	bound, cancel := context.WithTimeout(context.Background(), groupPatience)
	defer cancel()
	if err := last.Shutdown(bound); err != nil {
		slog.Warn("iouring: the ring threads' group stays open", "reason", err)
	}
}
