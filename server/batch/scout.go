package batch

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/batch/prefix"
	"github.com/weirgo/weir/server/engine"
)

// scout is the draft model's context. Each of its sequences is that of the same place in
// the engine's, some tokens behind: before it guesses it catches up with those that came
// since, or with a prompt, in pieces. Then each of its decodes guesses a token for every
// sequence that wants one. It belongs to the engine goroutine, but for Abort.
//
// What fails here costs guesses and nothing else.
type scout struct {
	model   engine.Model
	size    engine.ContextConfig // of the context
	context engine.Context
	shared  atomic.Pointer[engine.Context] // the same, for any goroutine
	limits  engine.Limits
	batch   *engine.Batch
	vocab   int              // tokens that both models have
	left    [][]engine.Token // what is in the context, by place
	wants   []wanted         // of the step under way
	reads   int              // tokens of the batch that are of prompts: each is read once, and no part of what a guess costs
	broken  bool             // it guesses no more
	log     *slog.Logger
}

// wanted is a sequence that is guessed for.
type wanted struct {
	g    *Generation
	most int // tokens
	row  int // of the scout's batch that gives the next one, -1 for none
}

// spareTokens is by how much the vocabularies of two models of a family may differ in
// size: some are filled up to a round number.
const spareTokens = 128

// newScout makes the context of the configured draft model, nil if there is none. It
// turns drafts off where the engine's sequences, or its own, cannot be cut, and refuses
// them in a fixed shape: there a batch has no rows but those that it is to have.
func newScout(model engine.Model, ec engine.ContextConfig, ctx engine.Context, cfg *Config) (*scout, error) {
	if ec.FixedShape && (cfg.Draft.Lookup || cfg.DraftModel != nil) {
		return nil, errors.New("batch: check config: drafts change the shape of batches: leave --fixed-shape out, or --spec-type and -md")
	}
	cfg.Draft.Lookup = cfg.Draft.Lookup && ctx.CanCut()
	if cfg.DraftModel == nil {
		return nil, nil
	}
	vocab, err := commonVocabulary(model, cfg.DraftModel)
	if err != nil {
		return nil, err
	}
	if !ctx.CanCut() {
		cfg.Log.Warn("the draft model is not used: the cache of the model has a form whose sequences cannot be cut")
		return nil, nil
	}
	limits := ctx.Limits()
	ec.ContextTokens, ec.BatchTokens, ec.MaxSequences = limits.ContextTokens, limits.BatchTokens, limits.MaxSequences
	own, err := cfg.DraftModel.NewContext(ec)
	if err != nil {
		return nil, fmt.Errorf("batch: make context of the draft model: %w", err)
	}
	s := &scout{model: cfg.DraftModel, size: ec, context: own, limits: own.Limits(), vocab: vocab, left: make([][]engine.Token, limits.MaxSequences), log: cfg.Log}
	if s.limits.MaxSequences < cfg.MaxSequences || s.limits.BatchTokens < cfg.MaxSequences || !own.CanCut() {
		cfg.Log.Warn("the draft model is not used: its context is too small, or has a form whose sequences cannot be cut")
		return nil, own.Close()
	}
	s.shared.Store(&own)
	s.batch = engine.NewBatch(s.limits.BatchTokens)
	return s, nil
}

// commonVocabulary is how many tokens two models have in common, which must be all but
// some that fill up the larger vocabulary.
func commonVocabulary(model, drafts engine.Model) (tokens int, err error) {
	a, b := model.Info().VocabSize, drafts.Info().VocabSize
	tokens = min(a, b)
	refused := func(format string, args ...any) error {
		return fmt.Errorf("batch: the draft model has another vocabulary: "+format+": give a smaller model of the same family", args...)
	}
	if max(a, b)-tokens > spareTokens {
		return 0, refused("%d tokens instead of %d", b, a)
	}
	var here, there []byte
	for t := range engine.Token(tokens) {
		here, there = model.AppendPiece(here[:0], t, true), drafts.AppendPiece(there[:0], t, true)
		if string(here) != string(there) || model.IsEndOfGeneration(t) != drafts.IsEndOfGeneration(t) {
			return 0, refused("token %d is %.40q instead of %.40q", t, there, here)
		}
	}
	return tokens, nil
}

// knows reports whether the scout can guess up to most tokens for a sequence.
func (s *scout) knows(q *sequence, most int) bool {
	if s == nil || s.broken || len(q.tokens)+most > s.limits.SequenceTokens {
		return false
	}
	g := q.guesses
	for ; g.known < len(q.tokens); g.known++ {
		if int(q.tokens[g.known]) >= s.vocab {
			return false
		}
	}
	return true
}

// want has up to n tokens guessed for a sequence in this step.
func (s *scout) want(g *Generation, n int) {
	g.seq.guesses.tokens = g.seq.guesses.tokens[:0]
	s.wants = append(s.wants, wanted{g, n, -1})
}

// guess has the draft model guess, and puts what it has into the batch. What the loop has
// belongs to who takes it meanwhile, as while it decodes.
func (l *Loop) guess(did *Step) {
	s := l.scout
	if s == nil || len(s.wants) == 0 {
		return
	}
	defer func() {
		clear(s.wants)
		s.wants = s.wants[:0]
	}()
	for s.catchUp(l.config.PrefillTokens); s.batch.Len() > 0; s.goOn() {
		took, err := l.decode(s.context, s.batch)
		if err != nil || l.overtaken {
			s.failed(err)
			return
		}
		l.pacing.aside += took * time.Duration(s.reads) / time.Duration(s.batch.Len())
		s.read(l.config.Draft.LeastChance)
	}
	for _, w := range s.wants {
		if a := w.g.seq.guesses; len(a.tokens) < a.least {
			a.tokens = a.tokens[:0]
		}
		did.DraftRows += l.addDraft(w.g)
	}
}

// catchUp fills the batch with tokens that the sequences have got since, of all together
// limit at most beside one of each.
func (s *scout) catchUp(limit int) {
	s.batch.Reset()
	s.reads = 0
	for i := range s.wants {
		w := &s.wants[i]
		q := &w.g.seq
		have := s.align(q)
		n := min(len(q.tokens)-have, 1+limit, s.limits.BatchTokens-s.batch.Len()-(len(s.wants)-1-i))
		if have < 0 || n <= 0 {
			continue
		}
		limit -= n - 1
		s.reads += max(0, min(have+n, q.prompt)-have)
		for k, token := range q.tokens[have : have+n] {
			w.row = s.add(q, token, have+k, have+k == len(q.tokens)-1)
		}
		if have+n < len(q.tokens) {
			w.row = -1 // it is not there yet
		}
	}
}

// align cuts off what the context has of others in a sequence's place, and returns how
// many of its tokens are there, less than all: -1 if that is not known.
func (s *scout) align(q *sequence) int {
	left := s.left[q.id]
	n := prefix.Common(left, q.tokens[:len(q.tokens)-1])
	if n == len(left) {
		return n
	}
	if !s.context.RemoveSequence(q.id, n, -1) {
		s.fail("cannot be cut")
		return -1
	}
	s.left[q.id] = left[:n]
	return n
}

// add puts a token of a sequence into the batch.
func (s *scout) add(q *sequence, token engine.Token, at int, logits bool) (row int) {
	s.left[q.id] = append(s.left[q.id], token)
	return s.batch.Add(token, at, q.id, logits)
}

// read takes the likeliest token of each row, unless its chance is too small.
func (s *scout) read(least float64) {
	for i := range s.wants {
		w := &s.wants[i]
		if w.row < 0 {
			continue
		}
		logits, err := s.context.Logits(w.row)
		w.row = -1
		if err != nil {
			s.fail(err.Error())
			continue
		}
		a := w.g.seq.guesses
		token, chance := likeliest(logits[:s.vocab], least > 0)
		if chance >= least && len(a.tokens) < w.most {
			a.tokens = append(a.tokens, token)
			w.row = 0
		}
	}
}

// goOn fills the batch with what was guessed, where more is wanted.
func (s *scout) goOn() {
	s.batch.Reset()
	s.reads = 0
	for i := range s.wants {
		w := &s.wants[i]
		a := w.g.seq.guesses
		if w.row < 0 || len(a.tokens) >= w.most {
			w.row = -1
			continue
		}
		w.row = s.add(&w.g.seq, a.tokens[len(a.tokens)-1], len(w.g.seq.tokens)+len(a.tokens)-1, true)
	}
}

// likeliest is the token with the greatest logit and, if that is wanted, its chance.
func likeliest(logits []float32, chance bool) (engine.Token, float64) {
	best := 0
	for t, v := range logits {
		if v > logits[best] {
			best = t
		}
	}
	if !chance {
		return engine.Token(best), 1
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - logits[best]))
	}
	return engine.Token(best), 1 / sum
}

// failed acts on a decode that came to nothing, or during which all has ended: nobody
// knows what the context has of its sequences.
func (s *scout) failed(err error) {
	for _, w := range s.wants {
		q := &w.g.seq
		q.guesses.tokens = q.guesses.tokens[:0]
		if !s.context.RemoveSequence(q.id, 0, -1) {
			s.fail("cannot be emptied")
		}
		s.left[q.id] = s.left[q.id][:0]
	}
	if err != nil && !errors.Is(err, engine.ErrAborted) {
		s.fail(err.Error())
	}
}

// fail says, once, that the draft model guesses no more.
func (s *scout) fail(why string) {
	if !s.broken {
		s.broken = true
		s.log.Error("the draft model guesses no more: restart the server", "err", why)
	}
}

// abort makes a decode return soon, and resume takes that back. Any goroutine.
func (s *scout) abort() {
	if s != nil {
		(*s.shared.Load()).Abort()
	}
}

func (s *scout) resume() {
	if s != nil {
		(*s.shared.Load()).Resume()
	}
}

// operations is engine.CountingContext.Progress. Any goroutine.
func (s *scout) operations() (n uint32) {
	if s != nil {
		if c, ok := (*s.shared.Load()).(engine.CountingContext); ok {
			n, _ = c.Progress()
		}
	}
	return n
}

// take has the scout compute on other threads.
func (s *scout) take(t *engine.Threads) {
	if s != nil {
		if c, ok := s.context.(engine.ThreadedContext); ok {
			c.SetThreads(*t)
		}
	}
}

// close frees the context, until wake makes it again.
func (s *scout) close() error {
	if s == nil || s.context == nil {
		return nil
	}
	for id := range s.left {
		s.context.RemoveSequence(engine.SequenceID(id), 0, -1)
		s.left[id] = nil
	}
	c := s.context
	s.context = nil
	return c.Close()
}

// wake makes the context again, on the threads of a size. Where that fails the model
// guesses no more.
func (s *scout) wake(size engine.ContextConfig) {
	if s == nil {
		return
	}
	s.size.Threads, s.size.BatchThreads, s.size.Decoding = size.Threads, size.BatchThreads, size.Decoding
	c, err := s.model.NewContext(s.size)
	if err == nil && (c.Limits().SequenceTokens != s.limits.SequenceTokens || c.Limits().BatchTokens != s.limits.BatchTokens) {
		err = errors.Join(errors.New("its context has another size"), c.Close())
	}
	if err != nil {
		s.fail(err.Error())
		return
	}
	s.context = c
	s.shared.Store(&c)
}
