package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/weirgo/weir/ggroup"
)

// Groups of goroutines, and who is in them.
//
//	group       class, options           goroutines
//	──────────  ───────────────────────  ──────────────────────────────────────────────────
//	inference   latency, spared by the   the engine's, with its helpers of a step; the
//	            collector                emitter of all streams
//	decode      latency, computes        the engine's, for the time of a decode
//	iouring     latency                  the thread of each ring
//	probes      latency                  those of the listener for probes
//	tokenize    normal, computes on one  a connection's, for the time of a piece of text
//	none        normal                   a connection's: HTTP, parsing, templates, and
//	                                     writing over package net; timers; what follows
//	                                     the processors and the collector
//	background  background               a connection's, while it decodes a body, renders
//	                                     and tokenises for the background tier
//	service     background, quota        a connection's, while it answers /metrics, the
//	                                     page and its files, /slots, /props and
//	                                     /lora-adapters, and what collects metrics; the
//	                                     one that reads files again after SIGHUP
//	logs        background, quota        those that write the log and the access log
//	traces      background, quota        the tracer's, and those of its library
//
// A group with a quota may stop at any moment for as long as the quota wants. So those
// in one hold no lock that the engine, a stream or another connection waits for: lines
// and spans come through queues, counters are atomic, and whoever logs has a handler
// of his own. Those in background have no quota, and no lock that others wait for
// either. Each class has its share of the time, and each quota is above 0: none of
// this waits for ever.
//
// /slots/{id}, which saves and restores, and all that somebody waits for is no service.
type groups struct {
	inference, background, service *ggroup.Group
}

// deferral is by how much the heap may outgrow the point at which a collection is
// due, while the engine's goroutine or the emitter is between two decodes. They are
// there for a millisecond, in which the heap grows by far less.
const deferral = 0.5

// openGroups opens the groups that last as long as the model is served. The engine's
// goroutine and the emitter allocate little, and all streams wait for them: others do
// the marking.
func openGroups(quotaPercent int) (g groups, err error) {
	background := ggroup.WithClass(ggroup.Background)
	var failed error
	for _, one := range []struct {
		group **ggroup.Group
		name  string
		how   []ggroup.Option
	}{
		{&g.inference, "inference", []ggroup.Option{ggroup.WithClass(ggroup.Latency), ggroup.WithAssistExempt(), ggroup.WithGCDeferral(deferral)}},
		{&g.background, "background", []ggroup.Option{background}},
		{&g.service, "service", bounded(quotaPercent)},
	} {
		*one.group, err = ggroup.Open(one.name, one.how...)
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return groups{}, errors.Join(fmt.Errorf("serve: open goroutine groups: %w", failed), g.close())
	}
	return g, nil
}

// noQuota is the percentage that bounds nothing.
const noQuota = 100

// defaultQuotaPercent leaves a scrape a second, the page and some thousand lines of
// log a second room enough: a scrape takes some milliseconds, a line some microseconds.
const defaultQuotaPercent = 10

// bounded is the options of a group that works in the background under a quota, in
// percent of the time of all processors.
func bounded(quotaPercent int) []ggroup.Option {
	how := []ggroup.Option{ggroup.WithClass(ggroup.Background)}
	if quotaPercent > 0 && quotaPercent < noQuota {
		how = append(how, ggroup.WithCPUQuota(float64(quotaPercent)/100))
	}
	return how
}

// close waits for those who are in the groups.
func (g groups) close() error {
	return errors.Join(closeGroup(g.inference), closeGroup(g.background), closeGroup(g.service))
}

// sayMissing says once which groups do less than they would, and why.
func sayMissing(log *slog.Logger) {
	var names []string
	why := ""
	for _, g := range ggroup.Groups() {
		if missing := g.Stats().NotInEffect; len(missing) > 0 {
			names, why = append(names, g.Name()), missing[0].Why
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		log.Info("goroutine groups without all of their options", "groups", strings.Join(slices.Compact(names), ","), "why", why)
	}
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
