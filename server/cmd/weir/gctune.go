package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/sched/gctune"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate/local"
)

// tuning steers the garbage collector while the server runs. A nil *tuning does
// not.
type tuning struct{ *gctune.Tuner }

// checkTuning refuses what --gc-tune does not know.
func (o *options) checkTuning() error {
	switch o.gcTune {
	case "auto", "article", "off":
		return nil
	}
	return fmt.Errorf("serve: --gc-tune is %q: give one of auto, article, off", o.gcTune)
}

// tune begins to steer, if it is asked for.
func (o *options) tune(ctx context.Context, model engine.Model, generator *local.Generator, log *slog.Logger) (*tuning, error) {
	config := gctune.Config{Cache: cacheWatch(cacheTokenBytes(model), generator.Stats), Log: log}
	switch o.gcTune {
	case "off":
		return nil, nil
	case "article":
		config.Policy = new(gctune.Article)
	}
	tuner, err := gctune.Start(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("serve: steer the garbage collector: %w", err)
	}
	log.Info("steering the garbage collector", "policy", o.gcTune, "now", tuner)
	return &tuning{tuner}, nil
}

// stop gives the collector its settings back.
func (t *tuning) stop() {
	if t != nil {
		t.Stop()
	}
}

// cacheWatch tells the state of the KV cache. A row of a batch whose token follows
// what is in the cache is a hit, a token of a prompt a miss. The library writes to
// all of the cache's memory when it makes it, so nothing is to be kept for it.
//
// What it returns belongs to one goroutine.
func cacheWatch(tokenBytes int64, stats func() local.Stats) func() gctune.Cache {
	var last local.Stats
	hitRate := 0.0
	return func() gctune.Cache {
		now := stats()
		hits, misses := now.CompletionTokens-last.CompletionTokens, now.PromptTokens-last.PromptTokens
		if hits+misses > 0 {
			hitRate = float64(hits) / float64(hits+misses)
		}
		last = now
		return gctune.Cache{UsedBytes: int64(now.KVTokens) * tokenBytes, HitRate: hitRate}
	}
}

// cacheTokenBytes is what a token takes in the KV cache: keys and values of 16 bits
// for each layer. It is 0 where the model's file does not say it in the usual words.
func cacheTokenBytes(model engine.Model) int64 {
	architecture, _ := model.Metadata("general.architecture")
	number := func(key string) int64 {
		text, _ := model.Metadata(architecture + "." + key)
		n, err := strconv.ParseUint(text, 10, 24)
		if err != nil {
			return 0
		}
		return int64(n)
	}
	heads := number("attention.head_count")
	shared := number("attention.head_count_kv")
	if shared == 0 {
		shared = heads
	}
	keys, values := number("attention.key_length"), number("attention.value_length")
	if heads > 0 && (keys == 0 || values == 0) {
		keys = number("embedding_length") / heads
		values = keys
	}
	const numberBytes = 2
	return number("block_count") * shared * (keys + values) * numberBytes
}

// tuningFigures are what Prometheus gets beside the settings themselves, which the
// Go collector gives (go_gc_gogc_percent, go_gc_gomemlimit_bytes).
var tuningFigures = []struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*gctune.Status) float64
}{
	{"cpu_share", "The garbage collector's share of the processors lately, 0 to 1.", prometheus.GaugeValue,
		func(s *gctune.Status) float64 { return s.CollectorShare }},
	{"room_bytes", "What Go should stay below, by the nearest limit of memory; about 9.2e18 if none is known.", prometheus.GaugeValue,
		func(s *gctune.Status) float64 { return float64(s.Room.BudgetBytes) }},
	{"pressed", "1 while the live heap has no room.", prometheus.GaugeValue,
		func(s *gctune.Status) float64 { return one(s.Pressed) }},
	{"gogc_steered", "1 while GOGC is the tuner's to set.", prometheus.GaugeValue,
		func(s *gctune.Status) float64 { return one(s.Percent == gctune.Steered) }},
	{"memory_limit_steered", "1 while the memory limit is the tuner's to set.", prometheus.GaugeValue,
		func(s *gctune.Status) float64 { return one(s.Limit == gctune.Steered) }},
	{"settings_changed_total", "Times that the tuner has set GOGC or the memory limit.", prometheus.CounterValue,
		func(s *gctune.Status) float64 { return float64(s.Changes) }},
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func describeTuning(i int) *prometheus.Desc {
	return prometheus.NewDesc("weir_gc_"+tuningFigures[i].name, tuningFigures[i].help, nil, nil)
}

// Describe implements prometheus.Collector.
func (t *tuning) Describe(out chan<- *prometheus.Desc) {
	for i := range tuningFigures {
		out <- describeTuning(i)
	}
}

// Collect implements prometheus.Collector.
func (t *tuning) Collect(out chan<- prometheus.Metric) {
	if t == nil {
		return
	}
	status := t.Status()
	for i, f := range tuningFigures {
		out <- prometheus.MustNewConstMetric(describeTuning(i), f.kind, f.value(&status))
	}
}
