package main

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/ggroup"
)

// deferral is by how much the heap may outgrow the point at which a collection is
// due, while the engine's goroutine or the emitter is between two decodes. They are
// there for a millisecond, in which the heap grows by far less.
const deferral = 0.5

// openGroup opens the group of the engine's goroutine and of the emitter. They
// allocate little, and all streams wait for them: others do the marking.
func openGroup() (*ggroup.Group, error) {
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency), ggroup.WithAssistExempt(), ggroup.WithGCDeferral(deferral))
	if err != nil {
		return nil, fmt.Errorf("serve: open goroutine group: %w", err)
	}
	return group, nil
}

// closeGroup waits for the engine goroutine, which has done its work when the
// loop is closed but may not have left the group yet. There may be no group.
func closeGroup(group *ggroup.Group) error {
	if group == nil {
		return nil
	}
	bound, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	return group.Shutdown(bound)
}
