package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/lesson"
	"github.com/weirgo/weir/scripts/models/train/network"
	"github.com/weirgo/weir/scripts/models/train/vector"
)

// passTokens is how many tokens go through the network at once: what bounds its
// memory. A step of more takes several passes.
const passTokens = 4096

// trainer is a model in the making.
type trainer struct {
	recipe  Recipe
	writer  *corpus.Writer
	encoder *lesson.Encoder
	network *network.Network
	threads int
	step    int // steps done
	// frames and free are what is asked to see how far it is.
	frames, free []corpus.Conversation

	// What the last steps came to, for the display alone.
	loss    float64
	targets int
	tokens  int64
	elapsed time.Duration
}

// newTrainer makes a model of random weights. The recipe's vocabulary becomes
// as large as the corpus fills.
func newTrainer(recipe Recipe, set *corpus.Set, threads int) (*trainer, error) {
	if err := recipe.check(); err != nil {
		return nil, err
	}
	t := &trainer{recipe: recipe.with(set), threads: threads}
	var err error
	if t.writer, err = corpus.NewWriter(set, recipe.Seed); err != nil {
		return nil, err
	}
	if t.encoder, err = lesson.Learn(set.Train, recipe.Vocabulary); err != nil {
		return nil, err
	}
	t.recipe.Shape.Vocabulary = t.encoder.Vocabulary.Len()
	if t.network, err = network.New(t.recipe.Shape, threads); err != nil {
		return nil, err
	}
	t.network.Init(recipe.Seed)
	t.frames, t.free = t.writer.HeldOut(), t.writer.Free()
	return t, t.checkItems(set)
}

// checkItems refuses items that do not fit into the context, by name.
func (t *trainer) checkItems(set *corpus.Set) error {
	for _, c := range corpus.Questions(set.Train) {
		tokens, _, err := t.encoder.Encode(c)
		if err != nil {
			return err
		}
		if len(tokens) > t.recipe.Shape.Context {
			return fmt.Errorf("%q has %d tokens and does not fit into a context of %d; shorten it", c.ID, len(tokens), t.recipe.Shape.Context)
		}
	}
	return nil
}

// conversation returns the tokens of conversation number n.
func (t *trainer) conversation(n uint64) (tokens, targets []int32, err error) {
	r := rand.New(rand.NewPCG(t.recipe.Seed+1, n))
	short := r.Float64() < t.recipe.Short || n < uint64(t.recipe.choosing()*t.recipe.Batch)
	for try := range uint64(16) {
		c := corpus.Conversation{}
		if short {
			c = t.writer.Alone(n | try<<48)
		} else {
			c = t.writer.Train(n | try<<48)
		}
		if tokens, targets, err = t.encoder.Encode(c); err != nil {
			return nil, nil, err
		}
		if len(tokens) > t.recipe.Shape.Context {
			continue // with what was put before it; the item alone fits
		}
		if c.Kind == corpus.Answer || c.Kind == corpus.Chat {
			t.encoder.Disturb(r, tokens, t.recipe.Noise)
		}
		if short {
			tokens, targets = lesson.Shorten(tokens, targets, t.recipe.Beginning)
		}
		return tokens, targets, nil
	}
	return nil, nil, fmt.Errorf("no conversation fits into a context of %d tokens; shorten the corpus' longest items", t.recipe.Shape.Context)
}

// encoded is a conversation in tokens.
type encoded struct{ tokens, targets []int32 }

// conversations returns those of the next step, in order, made by all threads.
func (t *trainer) conversations() ([]encoded, error) {
	all := make([]encoded, t.recipe.Batch)
	var group errgroup.Group
	group.SetLimit(t.threads)
	for i := range all {
		group.Go(func() (err error) {
			all[i].tokens, all[i].targets, err = t.conversation(uint64(t.step)*uint64(t.recipe.Batch) + uint64(i))
			return err
		})
	}
	return all, group.Wait()
}

// choosing returns how many steps learn nothing but which answer fits.
func (r Recipe) choosing() int { return int(r.Choosing * float64(r.Steps)) }

// rate returns the rate of learning of a step, counted from 0: it falls when
// whole answers are learnt.
func (r Recipe) rate(step int) float64 {
	if step < r.Warmup {
		return r.Rate * float64(step+1) / float64(r.Warmup)
	}
	const least = 0.02 // of the rate, at the end
	begin := max(r.Warmup, r.choosing())
	done := float64(max(step-begin, 0)) / float64(max(r.Steps-begin, 1))
	return r.Rate * (least + (1-least)*0.5*(1+math.Cos(math.Pi*done)))
}

// advance does one step.
func (t *trainer) advance() error {
	begin := time.Now()
	var batch network.Batch
	total := network.Result{}
	pass := func() {
		if len(batch.Tokens) == 0 {
			return
		}
		result := t.network.Train(&batch)
		total.Loss += result.Loss
		total.Count += result.Count
		t.tokens += int64(len(batch.Tokens))
		batch.Reset()
	}
	conversations, err := t.conversations()
	if err != nil {
		return err
	}
	for _, c := range conversations {
		if len(batch.Tokens)+len(c.tokens) > passTokens {
			pass()
		}
		batch.Add(c.tokens, c.targets)
	}
	pass()
	r, n := t.recipe, float64(t.step+1)
	rate := r.rate(t.step)
	t.network.Step(vector.Adam{
		Rate:  float32(rate / (1 - math.Pow(r.Beta1, n))),
		Beta1: float32(r.Beta1), Beta2: float32(r.Beta2),
		Correct: float32(1 / (1 - math.Pow(r.Beta2, n))), Epsilon: 1e-8,
	}, float32(r.RateTable), float32(rate*r.Decay), total.Count, r.Clip)
	t.step++
	t.loss += total.Loss
	t.targets += total.Count
	t.elapsed += time.Since(begin)
	if math.IsNaN(total.Loss) {
		return fmt.Errorf("the loss is no number at step %d; lower the rate of learning", t.step)
	}
	return nil
}

// score returns the share of conversations whose last turn greedy generation
// gives exactly, of at most limit of them, spread evenly; while nothing but the
// beginnings of answers is learnt, of those.
func (t *trainer) score(all []corpus.Conversation, limit int) (float64, error) {
	asked := min(len(all), limit)
	right := 0
	var batch network.Batch
	pass := func() {
		if len(batch.Tokens) == 0 {
			return
		}
		for _, ok := range t.network.Judge(&batch).Right {
			if ok {
				right++
			}
		}
		batch.Reset()
	}
	for i := range asked {
		tokens, targets, err := t.encoder.Encode(all[i*len(all)/asked])
		if err != nil {
			return 0, err
		}
		if len(tokens) > t.recipe.Shape.Context {
			continue // it counts as wrong
		}
		if t.step <= t.recipe.choosing() {
			tokens, targets = lesson.Shorten(tokens, targets, t.recipe.Beginning)
		}
		if len(batch.Tokens)+len(tokens) > passTokens {
			pass()
		}
		batch.Add(tokens, targets)
	}
	pass()
	return float64(right) / float64(max(asked, 1)), nil
}
