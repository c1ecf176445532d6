package draft_test

import (
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/draft"
)

// What followed 4 5 before is the draft; half as many rows are worth it where a row is
// half as dear as a step.
func Example() {
	tokens := []ask.Token{1, 4, 5, 6, 7, 8, 2, 4, 5}
	at, matched := draft.NewIndex(2).Find(tokens)
	var rates draft.Rates
	wants := []draft.Want{{Chance: rates.Chance(matched, draft.Prior), Most: 16}}
	for _, row := range []float64{0.001, 0.01} {
		draft.Share(draft.Budget{Tokens: 1, StepSeconds: 0.02, RowSeconds: row, Rows: 64}, wants)
		fmt.Println(matched, draft.Append(nil, tokens, at, min(wants[0].Rows, 4)))
	}
	// Output:
	// 2 [6 7 8 2]
	// 2 [6]
}
