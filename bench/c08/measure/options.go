package main

import "github.com/weirgo/weir/ggroup"

// engineOptions are those of the inference group.
func engineOptions() []ggroup.Option {
	return []ggroup.Option{
		ggroup.WithClass(ggroup.Latency),
		ggroup.WithCompute(1),
		ggroup.WithNoStackScan(),
		ggroup.WithAssistExempt(),
		ggroup.WithGCDeferral(*deferral),
	}
}

// monitorOptions are those of the monitoring group.
func monitorOptions() []ggroup.Option {
	return []ggroup.Option{
		ggroup.WithClass(ggroup.Background),
		ggroup.WithNormalGC(),
	}
}

// critical is a stretch in which no collection should begin: the engine's batch is
// not empty.
func critical(stretch func()) { ggroup.Critical(stretch) }

// quietPoint is a moment at which one may: the batch is empty.
func quietPoint() { ggroup.QuietPoint() }
