package openai

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
)

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
