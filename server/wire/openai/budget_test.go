package openai

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestBudgets(t *testing.T) {
	for fields, want := range map[string]ask.Thinking{
		`"n":1`:                                                 {},
		`"thinking_budget_tokens":0`:                            {Bounded: true},
		`"reasoning_budget":7`:                                  {Bounded: true, Tokens: 7},
		`"thinking_token_budget":7`:                             {Bounded: true, Tokens: 7},
		`"thinking_budget":7,"reasoning_budget":7`:              {Bounded: true, Tokens: 7},
		`"thinking_budget":-1,"reasoning_budget":7`:             {Bounded: true, Tokens: 7},
		`"thinking_budget":-1`:                                  {},
		`"reasoning":{"max_tokens":9}`:                          {Bounded: true, Tokens: 9},
		`"thinking":{"type":"enabled","budget_tokens":9}`:       {Bounded: true, Tokens: 9},
		`"reasoning_budget":7,"reasoning_budget_message":"So."`: {Bounded: true, Tokens: 7, Message: "So."},
	} {
		r, _, err := decodeChat(`{` + hello + `,` + fields + `}`)
		if err != nil || r.Thinking != want {
			t.Errorf("%s: %+v, %v", fields, r, err)
		}
	}
}
