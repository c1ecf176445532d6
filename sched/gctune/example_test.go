package gctune_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/sched/gctune"
)

// A server that is told how full its cache is.
func Example() {
	cache := func() gctune.Cache { return gctune.Cache{UsedBytes: 3 << 30, ReserveBytes: 1 << 30} }
	tuner, err := gctune.Start(context.Background(), gctune.Config{Cache: cache, Override: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tuner.Stop()
	fmt.Println("GOGC is", tuner.Status().Percent)
	// Output: GOGC is steered
}
