package batch

import (
	"fmt"

	"github.com/weirgo/weir/ggroup"
)

// start runs the engine goroutine, in group if there is one.
func start(group *ggroup.Group, run func()) error {
	if group == nil {
		go run()
		return nil
	}
	if err := group.Go(run); err != nil {
		return fmt.Errorf("batch: start engine goroutine: %w", err)
	}
	return nil
}
