// Package kinds is what the programs of the build modes do.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/weirgo/weir/ggroup"
)

// Groups opens groups of all kinds at once, has goroutines wait and run in
// them while the collector does, and closes them.
func Groups() error {
	var ran atomic.Int64
	var groups []*ggroup.Group
	for _, options := range [][]ggroup.Option{
		{ggroup.WithClass(ggroup.Latency)},
		{ggroup.WithClass(ggroup.Normal), ggroup.WithWeight(300)},
		{ggroup.WithClass(ggroup.Background), ggroup.WithEagerHandoff()},
		{ggroup.WithClass(ggroup.Latency), ggroup.WithExclusive(1)},
		{ggroup.WithCPUQuota(0.5), ggroup.WithNoStackScan()},
	} {
		group, err := ggroup.Open(fmt.Sprintf("kind %d", len(groups)), options...)
		if err != nil {
			return err
		}
		groups = append(groups, group)
	}
	var wrong error
	for _, group := range groups {
		err := group.Do(func() {
			ping, pong := make(chan *int), make(chan *int)
			ggroup.BindTo(group, func() {
				for n := range ping {
					pong <- n
				}
				close(pong)
			})
			for i := range 100 {
				ping <- &i
				if i%50 == 0 {
					runtime.GC()
				}
				if got := <-pong; *got != i {
					wrong = fmt.Errorf("%v: sent %d, got %d", group, i, *got)
				}
				ran.Add(1)
			}
			close(ping)
			<-pong
			if ggroup.Current() != group {
				wrong = fmt.Errorf("in %v, not in %v", ggroup.Current(), group)
			}
		})
		if wrong = errors.Join(wrong, err); wrong != nil {
			return wrong
		}
	}
	if want := int64(100 * len(groups)); ran.Load() != want {
		return fmt.Errorf("%d rounds, want %d", ran.Load(), want)
	}
	if left := ggroup.Groups(); !slices.Equal(left, groups) {
		return fmt.Errorf("groups are %v, want %v", left, groups)
	}
	for _, group := range groups {
		if err := group.Shutdown(context.Background()); err != nil {
			return err
		}
	}
	return nil
}
