package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/chat/calls"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/grammar"
)

// Batching bounds how requests are decoded together; see package batch.
type Batching = batch.Config

// Drafts says for whom tokens are guessed and computed ahead; see package draft.
type Drafts = draft.Config

// Stats is a snapshot of the engine's goroutine; see package batch.
type Stats = batch.Stats

// Config is how a model is served.
type Config struct {
	// ID is the model's name in the API.
	ID string
	// Template renders chats; nil refuses requests with messages.
	Template *chat.Template
	// Context sizes the engine's context.
	Context engine.ContextConfig
	// Batching bounds the requests.
	Batching Batching
	// Tokenizing bounds what is asked of the vocabulary.
	Tokenizing Tokenizing
	// SlotDir is the directory where slots are saved, "" for nowhere.
	SlotDir string
	// SleepAfter is how long nobody asks for anything before the model is unloaded,
	// until somebody does. What was computed of prompts is gone then. 0: never.
	SleepAfter time.Duration
	// Background, if not nil, is the group in which templates are rendered and texts
	// tokenised for the background tier, as ask.TierOf says; nothing else is, that
	// others might wait for: no grammar is compiled there.
	Background *ggroup.Group
}

// Generator generates with one model. It implements generate.Generator,
// generate.Checker, generate.Tokenizer, generate.Counter, generate.TokenEmbedder,
// generate.Ranker, generate.Keeper and generate.Sleeper.
type Generator struct {
	model    engine.Model
	bos      engine.Token
	about    ask.Model
	template *chat.Template
	form     *calls.Form             // of the model's calls and thoughts; nil without a template
	marks    map[engine.Token]string // control tokens that mean something in it
	loop     *batch.Loop
	steps    *steps
	breakers breakers
	grammars func() *grammar.Compiler

	path       string
	fill       func() generate.FillTokens
	tokenizing Tokenizing
	slots      slots
	sleep      *sleep
	background *ggroup.Group
	ranking    *engine.Ranking // nil: the model is no reranker
	open       context.Context // done when the generator is closed
	shut       context.CancelFunc
}

// New makes an engine context over model and starts the engine's goroutine. The
// caller closes the model after the generator.
func New(model engine.Model, cfg Config) (*Generator, error) {
	ranking, err := rankingOf(model, cfg.Batching.Pooling)
	if err != nil {
		return nil, err
	}
	steps := newSteps(cfg.ID)
	cfg.Batching.Observe = steps.observer(cfg.Batching.Observe)
	loop, err := batch.New(model, cfg.Context, cfg.Batching)
	if err != nil {
		return nil, err
	}
	kept, err := openSlots(cfg.SlotDir, loop.Limits().MaxSequences)
	if err != nil {
		return nil, errors.Join(err, loop.Close())
	}
	info := model.Info()
	g := &Generator{
		path:  info.Path,
		model: model,
		bos:   info.BOS,
		about: ask.Model{
			ID: cfg.ID, VocabSize: info.VocabSize, TrainedContext: info.TrainedContext,
			ContextTokens: loop.Limits().SequenceTokens, EmbeddingSize: info.EmbeddingSize,
			Parameters: info.Parameters, SizeBytes: info.SizeBytes, Description: info.Description,
		},
		template:   cfg.Template,
		loop:       loop,
		steps:      steps,
		breakers:   breakers{making: make(chan struct{}, 1)},
		slots:      kept,
		ranking:    ranking,
		tokenizing: cfg.Tokenizing.withDefaults(loop.Limits()),
		background: cfg.Background,
	}
	g.fill = sync.OnceValue(func() generate.FillTokens { return fillTokens(model) })
	g.open, g.shut = context.WithCancel(context.Background())
	g.grammars = sync.OnceValue(g.newGrammars)
	if cfg.Template != nil {
		g.form = calls.Detect(cfg.Template.Source(), cfg.Template.TakesTools())
		g.marks = controlMarks(model, g.form)
	}
	if g.sleep, err = newSleep(g, cfg.SleepAfter, cfg.Batching.Log); err != nil {
		return nil, errors.Join(err, loop.Close(), kept.close())
	}
	return g, nil
}

// Model implements generate.Generator.
func (g *Generator) Model() ask.Model { return g.about }

// Limits returns the sizes of the engine's context in force.
func (g *Generator) Limits() engine.Limits { return g.loop.Limits() }

// Goroutine returns the id of the engine's goroutine in the scheduler's records, 0 if it has
// not begun.
func (g *Generator) Goroutine() uint64 { return g.loop.Goroutine() }

// Stats returns the state of the engine's goroutine; it never waits.
func (g *Generator) Stats() Stats { return g.loop.Stats() }

// Check implements generate.Checker.
func (g *Generator) Check() error { return g.loop.Check() }

// Live is Check, and tells of an engine that does not get on within seconds; it never
// waits.
func (g *Generator) Live() error { return g.loop.Live() }

// SetThreads has the engine compute on other threads from its next step on; see package
// batch.
func (g *Generator) SetThreads(t engine.Threads) bool { return g.loop.SetThreads(t) }

// Threads returns what the engine computes on.
func (g *Generator) Threads() engine.Threads { return g.loop.Threads() }

// EndAll ends all generations and all tokenising and takes no more; it does not
// wait for the engine.
func (g *Generator) EndAll() {
	g.shut()
	g.loop.EndAll()
}

// Close is EndAll, and frees the engine's context; with a stuck engine it does not
// return.
func (g *Generator) Close() error {
	g.shut()
	g.sleep.close()
	return errors.Join(g.loop.Close(), g.slots.close())
}

// Submit implements generate.Generator.
func (g *Generator) Submit(ctx context.Context, r *ask.Request) (generate.Stream, error) {
	if err := generate.CheckModel(g.about, r.Model); err != nil {
		return nil, err
	}
	if n := g.about.VocabSize; r.TopLogprobs > n {
		return nil, ask.Invalid("top_logprobs", fmt.Sprintf("%d is out of range: 0 to %d", r.TopLogprobs, n))
	}
	ctx = ask.WithTier(ctx, r.Tenant.Tier)
	asText := r.Messages == nil && r.Prompt.Tokens == nil
	if r.Messages != nil {
		r.Echo = false // a conversation has no text of its own to begin with
	}
	if err := g.sleep.enter(ctx); err != nil {
		return nil, err
	}
	defer g.sleep.leave() // from then on the loop is not idle
	begun, err := g.tokenizePrompt(ctx, r, g.tokenizing.PromptTokens)
	if err != nil {
		return nil, err
	}
	job := batch.Job{Request: r}
	if job.Constraint, err = g.constraint(ctx, r, &begun); err != nil {
		return nil, err
	}
	if job.Constraint, err = g.bounded(ctx, job.Constraint, r, &begun); err != nil {
		return nil, err
	}
	if r.Sampling.Bias, err = g.biasTokens(ctx, r.Sampling.Bias); err != nil {
		return nil, err
	}
	if r.Sampling.DRY.Multiplier != 0 {
		if job.Breakers, err = g.breakers.of(ctx, g, r.Sampling.DRY.Breakers); err != nil {
			return nil, err
		}
	}
	// The generation outlives the call: it ends by Cancel.
	generation, err := g.loop.SubmitJob(job)
	if err != nil {
		return nil, err
	}
	s := stream{model: g.model, generation: generation, scored: r.TopLogprobs >= 0, stops: r.Stop, numbered: r.ReturnTokens, timed: r.Timings}
	s.end.PromptTokens = len(r.Prompt.Tokens)
	if r.Echo {
		s.echo = newEcho(r.Prompt.Tokens, asText && g.bos >= 0 && g.addsBegin(r.Prompt))
	}
	events := g.eventsOf(s, r, &begun)
	// The batch has its own copy: prompt and conversation need not live as
	// long as the answer.
	r.Prompt, r.Messages = ask.Prompt{}, nil
	return events, nil
}

// addsBegin reports whether a text's first token is not the text's own: it has
// more such tokens at its beginning than the client wrote.
func (g *Generator) addsBegin(p ask.Prompt) bool {
	name := string(g.model.AppendPiece(nil, g.bos, true))
	for _, t := range p.Tokens {
		rest, wrote := strings.CutPrefix(p.Text, name)
		if t != g.bos || wrote && name == "" {
			return false
		}
		if !wrote {
			return true
		}
		p.Text = rest
	}
	return false
}
