package main

import (
	"github.com/weirgo/weir/bench/c01"
	"github.com/weirgo/weir/bench/c03"
	"github.com/weirgo/weir/bench/c04"
	"github.com/weirgo/weir/bench/c05"
	"github.com/weirgo/weir/bench/c07"
	"github.com/weirgo/weir/bench/c08"
	"github.com/weirgo/weir/bench/c09"
	"github.com/weirgo/weir/bench/c11"
	"github.com/weirgo/weir/bench/c14"
	"github.com/weirgo/weir/bench/ceiling"
	"github.com/weirgo/weir/bench/cooperative"
	"github.com/weirgo/weir/bench/drafts"
	"github.com/weirgo/weir/bench/flood"
	"github.com/weirgo/weir/bench/gang"
	"github.com/weirgo/weir/bench/handoff"
	"github.com/weirgo/weir/bench/hostile"
	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/manycores"
	"github.com/weirgo/weir/bench/neighbour"
	"github.com/weirgo/weir/bench/peers"
	"github.com/weirgo/weir/bench/prefix"
	"github.com/weirgo/weir/bench/qos"
	"github.com/weirgo/weir/bench/quota"
	"github.com/weirgo/weir/bench/sampling"
	"github.com/weirgo/weir/bench/slo"
	"github.com/weirgo/weir/bench/stacks"
	"github.com/weirgo/weir/bench/tax"
	"github.com/weirgo/weir/bench/whole"
)

// experiments are all there are, in the order of the report.
var experiments = []experiment.Declaration{
	c01.Experiment, c03.Experiment, c04.Experiment, c05.Experiment, c07.Experiment, c08.Experiment, c09.Experiment,
	c11.Experiment, c14.Experiment, ceiling.Experiment, cooperative.Experiment, drafts.Experiment, flood.Experiment, gang.Experiment, handoff.Experiment,
	hostile.Experiment, manycores.Experiment, neighbour.Experiment, peers.Experiment, prefix.Experiment, qos.Experiment,
	quota.Experiment, sampling.Experiment, slo.Experiment, stacks.Experiment, tax.Experiment,
	whole.Experiment,
}
