package openai

import (
	"math"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Budgets are the names under which clients send how many tokens the model may
// think: llama-server's, vLLM's, Qwen's. -1 is no bound.
type Budgets struct {
	BudgetTokens    *float64 `json:"thinking_budget_tokens"`
	ReasoningBudget *float64 `json:"reasoning_budget"`
	BudgetMessage   string   `json:"reasoning_budget_message"`
	TokenBudget     *float64 `json:"thinking_token_budget"`
	Budget          *float64 `json:"thinking_budget"`
}

// bound returns the one budget that is asked for.
func (c *Thinking) bound() (t ask.Thinking, err error) {
	t.Message = c.BudgetMessage
	given := []struct {
		param string
		value *float64
	}{
		{"thinking_budget_tokens", c.BudgetTokens}, {"reasoning_budget", c.ReasoningBudget},
		{"thinking_token_budget", c.TokenBudget}, {"thinking_budget", c.Budget}, {"reasoning.max_tokens", nil}, {"thinking.budget_tokens", nil},
	}
	if c.Reasoning != nil {
		given[4].value = c.Reasoning.MaxTokens
	}
	if c.Thinking != nil {
		given[5].value = c.Thinking.Budget
	}
	for _, g := range given {
		if g.value == nil {
			continue
		}
		n, err := wire.Whole(g.param, *g.value, -1, math.MaxInt32)
		switch {
		case err != nil:
			return t, err
		case n < 0:
		case t.Bounded && t.Tokens != n:
			return t, wire.Invalid(g.param, "another field says %d: send one of the two", t.Tokens)
		default:
			t.Bounded, t.Tokens = true, n
		}
	}
	return t, nil
}
