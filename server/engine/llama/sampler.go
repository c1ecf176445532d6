package llama

import (
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// sampler implements engine.Sampler on a chain of the library's samplers.
type sampler struct {
	context *llmContext
	chain   sys.Sampler // 0 once closed
}

var _ engine.Sampler = (*sampler)(nil)

// NewSampler makes the chain top-k, top-p, min-p, temperature, draw, without
// the steps left out; a temperature that is not positive makes it greedy.
func (c *llmContext) NewSampler(cfg ask.Sampling) (engine.Sampler, error) {
	if c.handle == 0 {
		return nil, fmt.Errorf("llama: make sampler: %w", engine.ErrClosed)
	}
	chain := c.c.NewChain()
	if chain == 0 {
		return nil, fmt.Errorf("llama: make sampler: the library refused")
	}
	for _, step := range samplerSteps(c.c, cfg) {
		c.c.Add(chain, step)
	}
	c.samplers++
	return &sampler{context: c, chain: chain}, nil
}

func samplerSteps(c *sys.Library, cfg ask.Sampling) (steps []sys.Sampler) {
	if !(cfg.Temperature > 0) {
		return []sys.Sampler{c.Greedy()}
	}
	if cfg.TopK > 0 {
		steps = append(steps, c.TopK(int32(min(cfg.TopK, 1<<30))))
	}
	if cfg.TopP > 0 && cfg.TopP < 1 {
		steps = append(steps, c.TopP(cfg.TopP))
	}
	if cfg.MinP > 0 {
		steps = append(steps, c.MinP(cfg.MinP))
	}
	return append(steps, c.Temp(cfg.Temperature), c.Dist(cfg.Seed))
}

// Sample draws a token from a row of the last decoded batch. It does not
// allocate.
func (s *sampler) Sample(row int) (engine.Token, error) {
	if s.chain == 0 {
		return -1, fmt.Errorf("llama: sample: %w", engine.ErrClosed)
	}
	if err := s.context.checkRow(row); err != nil {
		return -1, fmt.Errorf("llama: sample: %w", err)
	}
	return engine.Token(s.context.loop.Sample(s.chain, s.context.batch.place[row])), nil
}

// Close frees the sampler; closing again does nothing.
func (s *sampler) Close() {
	if s.chain == 0 {
		return
	}
	s.context.c.FreeSampler(s.chain)
	s.chain = 0
	s.context.samplers--
}
