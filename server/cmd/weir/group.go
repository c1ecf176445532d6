package main

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/ggroup"
)

// openGroup opens the group of the engine's goroutine and of the emitter.
func openGroup() (*ggroup.Group, error) {
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return nil, fmt.Errorf("serve: open goroutine group: %w", err)
	}
	return group, nil
}

// closeGroup waits for the engine goroutine, which has done its work when the
// loop is closed but may not have left the group yet.
func closeGroup(group *ggroup.Group) error {
	bound, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	return group.Shutdown(bound)
}
