package main

import (
	"encoding/json"
	"fmt"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/network"
)

// recipeVersion counts changes of how a recipe becomes a model that are none of
// its fields: of wordings, of the vocabulary, of the template, of arithmetic.
const recipeVersion = 1

// Recipe is all that a model is made from.
type Recipe struct {
	Version    int
	Seed       uint64
	Corpus     string // SHA-256
	Steps      int
	Batch      int // conversations a step
	Vocabulary int // tokens, at most
	Shape      network.Shape
	Rate       float64 // of the layers' learning, at most
	RateTable  float64 // of the embedding's, as a multiple of it
	Warmup     int     // steps in which it rises
	Decay      float64
	Beta1      float64
	Beta2      float64
	Clip       float64
	Noise      float64 // share of the user's tokens that are replaced
	// Choosing is the share of steps, the first ones, that have questions with
	// Beginning tokens of their answers alone: which answer fits is learnt in
	// ten thousands of questions, and not at all while whole texts drown it.
	// Short is the share of such conversations later.
	Choosing  float64
	Short     float64
	Beginning int
}

// demo is the recipe of the demo model, without its corpus.
func demo() Recipe {
	return Recipe{
		Version: recipeVersion, Seed: 20261, Steps: 24000, Batch: 32, Vocabulary: 2048,
		Shape: network.Shape{Embedding: 192, Layers: 4, Heads: 6, HeadsKV: 3, FeedForward: 512, Context: 512},
		Rate:  5e-4, RateTable: 4, Warmup: 50, Decay: 0.05, Beta1: 0.9, Beta2: 0.98, Clip: 1, Noise: 0.05,
		Choosing: 0.4, Short: 0.8, Beginning: 1,
	}
}

// with completes a recipe by its corpus.
func (r Recipe) with(set *corpus.Set) Recipe {
	r.Corpus = set.SHA256
	return r
}

func (r Recipe) check() error {
	switch {
	case r.Steps < 1 || r.Steps > 1_000_000:
		return fmt.Errorf("%d steps; give -steps from 1 to 1000000", r.Steps)
	case r.Batch < 1 || r.Batch > 4096:
		return fmt.Errorf("batches of %d conversations; give -batch from 1 to 4096", r.Batch)
	}
	return nil
}

// String returns the recipe as JSON: what the files' metadata hold, and what
// tells checkpoints apart.
func (r Recipe) String() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("train: a recipe is not JSON")
	}
	return string(text)
}
