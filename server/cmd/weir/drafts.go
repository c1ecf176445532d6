package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/wire"
)

// draftOptions are the flags of tokens that are guessed and computed ahead, with
// llama-server's names.
type draftOptions struct {
	kinds              string
	most, least, match int // -1: the default of package draft
	model              string
	gpuLayers          int
	leastChance        float64
}

func defaultDrafts() draftOptions {
	return draftOptions{most: -1, least: -1, match: -1, gpuLayers: -1}
}

// byModel is the kind of drafts that a model of its own makes.
const byModel = "draft-simple"

// Kinds of drafts. All that llama-server looks up in the text are one here: which of
// them is meant, and how long drafts are, is decided by how often they were right.
var (
	lookups    = []string{"ngram", "ngram-simple", "ngram-map-k", "ngram-map-k4v", "ngram-mod", "ngram-cache"}
	draftHeads = []string{"draft-eagle3", "draft-mtp", "draft-dflash"}
)

// define adds the flags.
func (d *draftOptions) define(f *flagSet) {
	f.text(&d.kinds, "spec-type", "none|ngram|draft-simple[,...]", "guess tokens and compute them ahead: answers are the same, sooner where they were right. ngram: from what is there already, as are ngram-simple, ngram-mod and so on; draft-simple: by the model of -md. Default draft-simple with -md, else none")
	f.named(&d.model, "md model-draft spec-draft-model", "FILE", "GGUF file of a smaller model with the same vocabulary, which guesses tokens")
	f.each("ngld gpu-layers-draft n-gpu-layers-draft spec-draft-ngl", "N|all|auto", "its layers on the GPU; default: all", func(v string) (err error) {
		d.gpuLayers, err = readLayers(v)
		return err
	})
	f.number(&d.leastChance, "draft-p-min spec-draft-p-min", "X", "chance that it must give a token to guess it; default 0")
	f.each("spec-default", "", "as --spec-type ngram", func(string) error {
		d.kinds = lookups[0]
		return nil
	})
	f.whole(&d.most, "draft-max draft draft-n spec-draft-n-max spec-ngram-mod-n-max", "N", "tokens guessed at a time at most, as many as are worth their time; 0: none but for requests with speculative.n_max; default 32")
	f.whole(&d.most, "spec-ngram-size-m spec-ngram-simple-size-m spec-ngram-map-k-size-m spec-ngram-map-k4v-size-m", "N", "the same")
	f.whole(&d.least, "draft-min draft-n-min spec-draft-n-min spec-ngram-mod-n-min", "N", "tokens guessed at a time at least, if any are; default 1")
	f.whole(&d.match, "spec-ngram-size-n spec-ngram-simple-size-n spec-ngram-map-k-size-n spec-ngram-map-k4v-size-n spec-ngram-mod-n-match", "N", "tokens that must have been there already for a guess; default 3")
}

// each is the kinds that were given.
func (d *draftOptions) each() []string {
	return strings.FieldsFunc(d.kinds, func(c rune) bool { return c == ',' || c == ' ' })
}

// check reports the first flag out of range.
func (d *draftOptions) check() error {
	const mostMatch = 64 // as package draft has it
	for _, kind := range d.each() {
		if kind != "none" && kind != byModel && !slices.Contains(lookups, kind) && !slices.Contains(draftHeads, kind) {
			return fmt.Errorf("serve: --spec-type is %q: give none, ngram or draft-simple", kind)
		}
	}
	if slices.Contains(d.each(), byModel) && d.model == "" {
		return fmt.Errorf("serve: --spec-type %s, but no model: name one with -md", byModel)
	}
	if !(d.leastChance >= 0 && d.leastChance <= 1) {
		return fmt.Errorf("serve: --draft-p-min is %v: give a number from 0 to 1", d.leastChance)
	}
	for _, f := range []struct {
		name       string
		value, top int
	}{{"--draft-max", d.most, ask.MaxDraft}, {"--draft-min", d.least, ask.MaxDraft}, {"--spec-ngram-size-n", d.match, mostMatch}} {
		if f.value < -1 || f.value > f.top {
			return fmt.Errorf("serve: %s is %d: give a number from 0 to %d", f.name, f.value, f.top)
		}
	}
	return nil
}

// notes are warnings about kinds that there are not.
func (d *draftOptions) notes() (all []string) {
	for _, kind := range d.each() {
		if slices.Contains(draftHeads, kind) {
			all = append(all, "--spec-type "+kind+" has no effect: "+drafting)
		}
	}
	return all
}

// config is what package draft takes.
func (d *draftOptions) config() local.Drafts {
	c := local.Drafts{Most: d.most, Least: max(d.least, 0), Match: max(d.match, 0), LeastChance: d.leastChance}
	switch d.most {
	case -1:
		c.Most = 0 // its default
	case 0:
		c.Most = -1
	}
	c.Lookup = slices.ContainsFunc(d.each(), func(kind string) bool { return slices.Contains(lookups, kind) })
	return c
}

// told is what answers tell of drafts.
func (d *draftOptions) told() wire.DraftsInForce {
	c := d.config().WithDefaults()
	return wire.DraftsInForce{Most: max(c.Most, 0), Least: c.Least, LeastChance: float32(c.LeastChance)}
}

// usesModel reports whether the draft model guesses.
func (d *draftOptions) usesModel() bool {
	return d.model != "" && (d.kinds == "" || slices.Contains(d.each(), byModel))
}

// watchModels returns the draft model beside the one that is served, nil if there is
// none, a context that ends if a file of either changes, and what frees both after all
// else, also with an error.
func watchModels(ctx context.Context, o *options, model engine.Model, log *slog.Logger) (watched context.Context, drafts engine.Model, end func() error, err error) {
	watched, unchanged := watchModel(ctx, model)
	end = func() error { return errors.Join(unchanged(), model.Close()) }
	if !o.drafts.usesModel() {
		return watched, nil, end, nil
	}
	drafts, _, err = loadFile(watched, o, o.drafts.model, o.drafts.gpuLayers, log)
	if err != nil {
		return watched, nil, end, fmt.Errorf("the draft model (-md): %w", err)
	}
	watched, same := watchModel(watched, drafts)
	return watched, drafts, func() error { return errors.Join(same(), drafts.Close(), end()) }, nil
}
