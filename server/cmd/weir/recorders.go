package main

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/accesslog"
	"github.com/weirgo/weir/server/flight"
	"github.com/weirgo/weir/server/internal/version"
	"github.com/weirgo/weir/server/record"
	"github.com/weirgo/weir/server/slow"
	"github.com/weirgo/weir/server/tracing"
)

// recorders are what is told of each request.
type recorders struct {
	all     []record.Recorder
	slow    *slow.Log
	flight  *flight.Recorder // nil: there is none
	metrics []prometheus.Collector
	closers []func(context.Context) error
}

// openRecorders opens those that flags and the environment ask for.
func (o *options) openRecorders(log *logging) error {
	if err := o.openAccessLog(log); err != nil {
		return fmt.Errorf("serve: --access-log: %w", err)
	}
	o.recorders.slow = slow.New(slow.Config{})
	o.recorders.all = append(o.recorders.all, o.recorders.slow)
	o.openFlight(log)
	o.recorders.openTracer(o.backgroundQuota, log)
	return nil
}

// openFlight begins to follow the scheduler, if it is asked to. Where that cannot be
// done it is no reason not to serve.
func (o *options) openFlight(log *logging) {
	if o.flight == 0 {
		return
	}
	recorder, err := flight.Open(flight.Config{Window: o.flight, Log: log.Logger})
	if err != nil {
		log.Warn("no flight is recorded: run without --flight, or on weir's Go toolchain", "error", err)
		return
	}
	r := &o.recorders
	r.flight, r.all, r.metrics = recorder, append(r.all, recorder), append(r.metrics, recorder)
	r.closers = append(r.closers, func(context.Context) error {
		recorder.Close()
		return nil
	})
}

// openTracer begins to send traces, if the environment says where. A mistake there,
// which may be meant for other programs, is no reason not to serve.
func (r *recorders) openTracer(quotaPercent int, log *logging) {
	group, err := ggroup.Open("traces", bounded(quotaPercent)...)
	var tracer *tracing.Tracer
	if err == nil {
		tracer, err = tracing.FromEnvironment(context.Background(), tracing.Config{Version: version.Weir, Group: group, Log: log.Logger})
	}
	if err != nil {
		log.Warn("no traces are sent", "error", err)
	}
	if tracer == nil {
		_ = group.Close() // or it was not opened
		return
	}
	log.Info("traces are sent")
	r.all = append(r.all, tracer)
	r.closers = append(r.closers, tracer.Close, func(context.Context) error {
		return group.Close() // connections to the collector, which stay a while, may be in it
	})
	r.metrics = append(r.metrics, prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "weir_traced_requests_dropped_total", Help: "Requests without a trace because more ended at once than can wait.",
	}, func() float64 { return float64(tracer.Dropped()) }))
}

func (o *options) openAccessLog(log *logging) (err error) {
	if o.accessFile == "" {
		return nil
	}
	if o.access, err = accesslog.Open(o.accessFile, accesslog.Config{Group: log.group}); err != nil {
		return err
	}
	r := &o.recorders
	r.all = append(r.all, o.access)
	r.closers = append(r.closers, o.access.Close)
	r.metrics = append(r.metrics, prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "weir_access_log_lines_dropped_total", Help: "Lines of the access log lost because its disk or reader is too slow.",
	}, func() float64 { return float64(o.access.Dropped()) }))
	return nil
}

// close writes what waits, if it is taken within the limit.
func (r *recorders) close() {
	for _, close := range r.closers {
		ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
		_ = close(ctx) // what is lost is no failure of the server's
		cancel()
	}
}
