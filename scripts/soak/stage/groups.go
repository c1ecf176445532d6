package stage

import (
	"context"
	"math/rand/v2"

	"github.com/weirgo/weir/ggroup"
)

const groupsMax = 3 // in one scene

// options draws what a group is.
func options(dice *rand.Rand) []ggroup.Option {
	opts := []ggroup.Option{ggroup.WithClass(ggroup.Class(dice.IntN(3)))}
	add := func(oneIn int, option ggroup.Option) {
		if dice.IntN(oneIn) == 0 {
			opts = append(opts, option)
		}
	}
	add(2, ggroup.WithWeight(1+dice.IntN(1000)))
	add(5, ggroup.WithCPUQuota(0.1+dice.Float64()/4))
	add(6, ggroup.WithExclusive(1+dice.IntN(2)))
	add(2, ggroup.WithEagerHandoff())
	add(2, ggroup.WithNoStackScan())
	add(2, ggroup.WithAssistExempt())
	add(3, ggroup.WithGCDeferral(dice.Float64()+0.01))
	add(4, ggroup.WithCompute(1+dice.IntN(4)))
	return opts
}

func openGroups(dice *rand.Rand) []*ggroup.Group {
	var groups []*ggroup.Group
	for range dice.IntN(groupsMax + 1) {
		groups = append(groups, ggroup.New("soak", options(dice)...))
	}
	return groups
}

// pick returns one of the groups, or nil.
func pick(dice *rand.Rand, groups []*ggroup.Group) *ggroup.Group {
	if at := dice.IntN(len(groups) + 1); at < len(groups) {
		return groups[at]
	}
	return nil
}

// start starts a goroutine, in a group if there is one.
func start(group *ggroup.Group, f func()) {
	if group == nil {
		go f()
		return
	}
	ggroup.BindTo(group, f)
}

func closeGroups(groups []*ggroup.Group) {
	for _, group := range groups {
		if err := group.Shutdown(context.Background()); err != nil {
			Fail("close a group: %v", err)
		}
	}
}
