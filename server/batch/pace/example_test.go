package pace_test

import (
	"fmt"
	"time"

	"github.com/weirgo/weir/server/batch/pace"
)

// Eight streams, an objective of 20 ms, and an engine that takes 5 ms for each step, 1
// ms for each stream and a tenth for each token of a prompt.
func Example() {
	var policy pace.Policy = new(pace.Learned)
	demand := pace.Demand{
		DecodeRows: 8,
		Objectives: pace.Objectives{TPOT: 20 * time.Millisecond},
		Limits:     pace.Limits{LeastPrompt: 1, MostPrompt: 512, Prompt: 128, Sequences: 8},
	}
	now, prompts := time.Duration(0), 0
	for range 2000 {
		prompts = policy.Decide(demand).PromptTokens
		took := 13*time.Millisecond + time.Duration(prompts)*100*time.Microsecond
		now += took
		policy.Observe(pace.Observation{At: now, Took: took, DecodeRows: 8, PromptRows: prompts})
	}
	fmt.Println("beside the streams there is time for 60 to 70 tokens:", 60 <= prompts && prompts <= 70)
	// Output: beside the streams there is time for 60 to 70 tokens: true
}
