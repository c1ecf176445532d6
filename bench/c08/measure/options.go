package main

import "github.com/weirgo/weir/ggroup"

// engineOptions are those of the inference group.
func engineOptions() []ggroup.Option {
	return []ggroup.Option{
		ggroup.WithClass(ggroup.Latency),
		ggroup.WithEagerHandoff(),
		ggroup.WithNoStackScan(),
	}
}

// monitorOptions are those of the monitoring group.
func monitorOptions() []ggroup.Option {
	return []ggroup.Option{
		ggroup.WithClass(ggroup.Background),
		ggroup.WithNormalGC(),
	}
}

// critical is a stretch of the engine's that a collection should not fall into.
func critical(stretch func()) { stretch() }

// quietPoint is a moment of the engine's at which a collection may begin.
func quietPoint() {}
