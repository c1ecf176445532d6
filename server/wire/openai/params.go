package openai

import (
	"math"
	"math/rand/v2"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Defaults are the values of the fields that a client leaves out.
type Defaults = wire.Defaults

// MaxChoices bounds the answers to one request: prompts times n.
const MaxChoices = 128

// IncludeUsage reports whether a stream is to end with its usage.
func (c *Common) IncludeUsage() bool { return c.StreamOptions != nil && c.StreamOptions.IncludeUsage }

func (c *Common) ask(a *ask.Request, maxTokens *Int, maxTokensName string, d Defaults) (err error) {
	a.Model, a.IgnoreEOS = c.Model, c.IgnoreEOS
	c.ServiceTier.ask(a)
	if c.Stream && c.StreamOptions != nil && c.StreamOptions.ContinuousUsage {
		const param = "stream_options.continuous_usage_stats"
		return &ask.Fault{Kind: ask.Unsupported, Param: param, What: param + ": not supported", Remedy: "send include_usage: the last chunk has the usage"}
	}
	if maxTokens == nil {
		maxTokens, maxTokensName = c.Predict, "n_predict"
	}
	if a.MaxTokens, err = MaxTokens(maxTokensName, maxTokens, d); err != nil {
		return err
	}
	if c.MinTokens != nil {
		if a.MinTokens, err = within("min_tokens", *c.MinTokens, 0, math.MaxInt32); err != nil {
			return err
		}
		if a.MaxTokens > 0 && a.MinTokens > a.MaxTokens {
			return wire.Invalid("min_tokens", "%d is more than the %d that there may be at most", a.MinTokens, a.MaxTokens)
		}
	}
	if a.Sampling, err = c.Sampling.Ask(d); err != nil {
		return err
	}
	if a.Format, err = c.Form.Ask(); err != nil {
		return err
	}
	a.Stop = c.Stop
	c.Report.Ask(a, c.Stream)
	if err := c.Drafts.Ask(a); err != nil {
		return err
	}
	if err := c.Place.Ask(a, d); err != nil {
		return err
	}
	return c.Stop.check()
}

// MaxTokens reads the bound of an answer's tokens, -1 for none.
func MaxTokens(param string, sent *Int, d Defaults) (int, error) {
	switch {
	case sent == nil:
		return d.MaxTokens, nil
	case *sent == -1:
		return 0, nil
	case *sent < 1:
		return 0, wire.Invalid(param, "%d is out of range: 1 to %d, or -1 for no bound", *sent, math.MaxInt32)
	}
	return int(min(*sent, math.MaxInt32)), nil
}

// choices is n, checked; there are so many answers for each of some prompts.
func (c *Common) choices(bestOf *Int, prompts int) (int, error) {
	n := 1
	if c.N != nil {
		var err error
		if n, err = within("n", *c.N, 1, MaxChoices); err != nil {
			return 0, err
		}
	}
	if bestOf != nil && int64(*bestOf) != int64(n) {
		return 0, &ask.Fault{
			Kind: ask.Unsupported, Param: "best_of", What: "best_of: not supported with another value than n",
			Remedy: "leave it out, ask for as many answers with n, and choose among them",
		}
	}
	if n*prompts > MaxChoices {
		param := "n"
		if n == 1 {
			param = "prompt"
		}
		return 0, wire.Invalid(param, "%d answers are asked for, at most %d are allowed: send several requests, they are batched", n*prompts, MaxChoices)
	}
	return n, nil
}

// count is choices of a request that was checked.
func (c *Common) count(prompts int) int {
	if c.N == nil {
		return prompts
	}
	return int(*c.N) * prompts
}

// fan makes n requests of each one. They differ in their seeds, as far as the
// client can tell from the first: it gets the same answers to the same request.
func fan(requests []*ask.Request, n int) []*ask.Request {
	if n == 1 && len(requests) == 1 {
		return requests
	}
	var all []*ask.Request
	for _, r := range requests {
		seeds := rand.New(rand.NewPCG(uint64(r.Sampling.Seed), uint64(n)))
		all = append(all, r)
		for range n - 1 {
			other := *r
			other.Sampling.Seed = seeds.Uint32()
			wire.AnyPlace(&other)
			all = append(all, &other)
		}
	}
	return all
}

func (s Stop) check() error {
	if len(s) > ask.MaxStops {
		return wire.Invalid("stop", "%d strings, at most %d are allowed", len(s), ask.MaxStops)
	}
	for i, text := range s {
		if text == "" || len(text) > ask.MaxStopBytes {
			return wire.Invalid("stop", "string %d has %d bytes, 1 to %d are allowed", i, len(text), ask.MaxStopBytes)
		}
	}
	return nil
}
