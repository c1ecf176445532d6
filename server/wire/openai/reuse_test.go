package openai

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// How many tokens are guessed at a time, by llama-server's names.
func TestDrafts(t *testing.T) {
	for field, want := range map[string]ask.Request{
		`"speculative.n_max":7`:                         {MostDraft: 7},
		`"speculative.n_max":0,"speculative.p_min":0.5`: {MostDraft: -1},
		`"speculative.n_min":2`:                         {LeastDraft: 2},
	} {
		got, _, err := decodeChat(`{` + hello + `,` + field + `}`)
		if err != nil || got.MostDraft != want.MostDraft || got.LeastDraft != want.LeastDraft {
			t.Errorf("%s: %+v, %v", field, got, err)
		}
	}
}

// What a prompt may begin with, and who else may begin with what it leaves.
func TestReuse(t *testing.T) {
	for field, want := range map[string]ask.Request{
		`"cache_prompt":true`:                   {Reuse: ask.ReuseAlways},
		`"cache_prompt":false,"cache_salt":"x"`: {Reuse: ask.ReuseNever, CacheSalt: "x"},
		`"id_slot":2`:                           {Keep: true, Slot: 3},
	} {
		got, _, err := decodeChat(`{` + hello + `,` + field + `}`)
		if err != nil || got.Reuse != want.Reuse || got.CacheSalt != want.CacheSalt || got.Keep != want.Keep || got.Slot != want.Slot {
			t.Errorf("%s: %+v, %v", field, got, err)
		}
	}
}
