package drafts

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

const (
	fewer  = 0.6  // steps for a token, where guesses are right
	slower = 0.97 // tokens a second, of those without guesses
)

// Metrics of each way to guess, and of each but none.
const (
	every   = "{demo/{repeats,plain}/{none,lookup},seeded/plain/{none,lookup,model},made/{repeats,plain,misleads}/{none,lookup,model}}/{streams}/"
	guessed = "{demo/{repeats,plain}/lookup,{seeded/plain,made/{repeats,plain,misleads}}/{lookup,model}}/{streams}/"
)

// Experiment is the declaration.
var Experiment = experiment.Declaration{
	ID:    "drafts",
	Title: "tokens that are guessed and computed ahead",
	Claim: "No figure of the article's. The bars are our own: where an answer repeats what was said, a stream takes 0.6 steps " +
		"for a token at most, on an accelerator beside seven others too, and where it does not, guesses leave it 0.97 of its tokens a second. What " +
		"is generated is the same.",
	Mistaken: "What a guess gains depends on what a row costs against a step. On a CPU that is much: the model that answers " +
		"questions (demo/) is small enough that a step's own work is most of it for one stream; beside seven others rows are nearly all " +
		"that a step has, and the server guesses little. An accelerator's step costs nearly the same with one row and with twenty. There " +
		"is none here, so one is made up (made/): a step takes 2 ms and 20 µs a row, a draft model an eighth of it, one of whose five guesses " +
		"is wrong. Its steps are real, and what it says is a hash. seeded/ is a model with random weights, and its draft model one of its " +
		"size with others: it costs as much as what it is to spare, is never right, and must be found out. For eight streams a draft model has no " +
		"bar but to do no harm: what it guesses may lengthen their step by a quarter, and what a guess costs is learned as if it were for one alone. A step of " +
		"a stream is a row of a step: eight streams that decode together take eight. Prompts are computed once, so what is measured is decoding. Where the engine takes another one of two tokens that are as likely, " +
		"by what larger batches round, an answer counts as parted and not as an error.",
	Metric: "demo/repeats/lookup/1/steps_per_token",
	Label:  "steps of a stream for a token, of an answer that repeats what was said",
	Unit:   "ratio",
	Better: experiment.LowerIsBetter,
	Bars: []experiment.Bar{
		{Text: "steps for a token of an answer that repeats, one stream", Bound: experiment.AtMost, Limit: fewer},
		{Text: "its CPU for a token, of that without guesses", Metric: "demo/repeats/lookup/1/cpu_of_none", Bound: experiment.AtMost, Limit: 1},
		{Text: "steps for a token on an accelerator, one stream, looked up", Metric: "made/repeats/lookup/1/steps_per_token", Bound: experiment.AtMost, Limit: fewer},
		{Text: "eight streams", Metric: "made/repeats/lookup/8/steps_per_token", Bound: experiment.AtMost, Limit: fewer},
		{Text: "one stream, guessed by a draft model", Metric: "made/repeats/model/1/steps_per_token", Bound: experiment.AtMost, Limit: fewer},
		{Text: "tokens a second where guesses are wrong, of those without, the least", Metric: "least/plain_speed", Bound: experiment.AtLeast, Limit: slower},
		{Text: "and where they are right", Metric: "least/repeats_speed", Bound: experiment.AtLeast, Limit: slower},
		{Text: "every answer is what it is without guesses", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
	},
	Metrics: []experiment.Metric{
		{Name: every + "steps_per_token", Text: "steps of a stream for a token: those that were not guessed, over all"},
		{Name: every + "tokens_per_s", Text: "tokens of all streams, prompts' time included"},
		{Name: every + "cpu_us_per_token", Text: "CPU time of the process, the client's included"},
		{Name: guessed + "guessed_per_token", Text: "guesses for each token"},
		{Name: guessed + "right_share", Text: "of the guesses, those that were right"},
		{Name: guessed + "speed_of_none", Text: "time without guesses over time with them, the median of turns one after the other"},
		{Name: guessed + "cpu_of_none", Text: "CPU time for a token over that without guesses"},
		{Name: "least/{plain_speed,repeats_speed}", Text: "speed_of_none, the least of texts that do not repeat what was said, and of those that do"},
		{Name: "parted", Text: "answers that went on otherwise where two tokens were as likely"},
		{Name: "errors", Text: "answers that were not what they are without guesses"},
	},
	Derive: derive,
	Rounds: 3,
	Quick:  []string{"-turns=1", "-warm-turns=1"},
}

// derive finds the least speeds.
func derive(round experiment.Round) error {
	for arm, m := range round {
		plain, repeats := math.Inf(1), math.Inf(1)
		for name, speed := range m {
			switch {
			case !strings.HasSuffix(name, "/speed_of_none"):
			case strings.Contains(name, "/repeats/"):
				repeats = min(repeats, speed)
			default:
				plain = min(plain, speed)
			}
		}
		if math.IsInf(plain+repeats, 1) {
			return fmt.Errorf("derive the least: arm %s: %w", arm, errors.New("no speed was measured: give -streams"))
		}
		m["least/plain_speed"], m["least/repeats_speed"] = plain, repeats
	}
	return nil
}
