package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// parse reads the environment and the arguments, llama-server's flags among them.
func (o *options) parse(f *flagSet, args []string, out io.Writer) error {
	foreign := newForeign(f)
	ours, err := foreign.arguments(args)
	if err == nil {
		err = foreign.environment()
	}
	if err != nil {
		return usageErrorf("serve: %w; `weir serve -h` lists the flags", err)
	}
	o.llama.notes = foreign.notes
	return f.parse(ours, out)
}

// takeDefaults reads the values by which llama-server means its own defaults.
func (o *options) takeDefaults() {
	if o.parallel == -1 {
		o.parallel = defaultOptions().parallel
	}
	o.llama.notes = append(o.llama.notes, o.drafts.notes()...)
	o.threads, o.batchThreads = max(o.threads, 0), max(o.batchThreads, 0)
	if o.predict < 0 {
		o.predict = 0 // the API's word for "up to the context"
	}
	if o.seed < 0 || o.seed == 1<<32-1 {
		o.seed = -1
	}
	if names := splitList(o.alias); len(names) > 1 {
		o.alias = slices.Min(names) // as llama-server has it
		o.llama.aliases = slices.Sorted(slices.Values(names))
	}
}

// setLayers reads how many layers the GPU gets.
func (o *options) setLayers(v string) (err error) {
	o.gpuLayers, err = readLayers(v)
	return err
}

func readLayers(v string) (int, error) {
	if v == "all" || v == "auto" {
		return -1, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, fmt.Errorf("give a number, all or auto")
	}
	return max(n, -1), nil
}

// setFlashAttention reads whether attention is computed by flash attention.
func (o *options) setFlashAttention(v string) error {
	if v == "auto" {
		o.flashAttention = engine.FlashAttentionAuto
		return nil
	}
	on, err := readTruth(v)
	if err != nil {
		return fmt.Errorf("give on, off or auto")
	}
	o.flashAttention = engine.FlashAttentionOff
	if on {
		o.flashAttention = engine.FlashAttentionOn
	}
	return nil
}

// setLoadMode reads how the model's file is loaded.
func (o *options) setLoadMode(v string) error {
	switch v {
	case "auto", "mmap":
		o.noMemoryMap, o.lockMemory = false, false
	case "none":
		o.noMemoryMap, o.lockMemory = true, false
	case "mlock":
		o.noMemoryMap, o.lockMemory = true, true
	case "mmap+mlock":
		o.noMemoryMap, o.lockMemory = false, true
	case "dio":
		return fmt.Errorf("dio is not supported: give none")
	default:
		return fmt.Errorf("give one of auto, none, mmap, mlock, mmap+mlock")
	}
	return nil
}

// setVerbosity reads how much is logged, as a number.
func (o *options) setVerbosity(v string) error {
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 0:
		return fmt.Errorf("give a number, 0 or more")
	case n <= 1:
		o.logLevel = "error"
	case n == 2:
		o.logLevel = "warn"
	case n == 3:
		o.logLevel = "info"
	default:
		o.logLevel = "debug"
	}
	return nil
}

// poolingOf reads how a text's vectors become one.
func poolingOf(name string) (engine.Pooling, error) {
	switch name {
	case "":
		return engine.PoolingModel, nil
	case "none":
		return engine.PoolingNone, nil // then there are no vectors of texts, and who asks is told
	case "mean":
		return engine.PoolingMean, nil
	case "cls":
		return engine.PoolingFirst, nil
	case "last":
		return engine.PoolingLast, nil
	case "rank":
		return engine.PoolingRank, nil
	}
	return 0, fmt.Errorf("serve: --pooling is %q: give none, mean, cls, last or rank", ask.Clip(name, ask.QuotedBytes))
}

// checkShape refuses what a fixed shape does not go with.
func (o *options) checkShape() error {
	switch {
	case !o.fixedShape:
		return nil
	case o.llama.contextShift:
		return errors.New("serve: both --fixed-shape and --context-shift: a shifted answer that lost its place would be another one: give one of them")
	case o.drafts.config().Lookup || o.drafts.usesModel():
		return errors.New("serve: both --fixed-shape and drafts, which change the shape of batches: leave --fixed-shape out, or --spec-type, --spec-default and -md")
	case o.flashAttention == engine.FlashAttentionOff:
		return errors.New("serve: --fixed-shape takes flash attention: leave -fa out, or give on")
	}
	return nil
}
