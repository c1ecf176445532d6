package flood

import (
	"fmt"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// Experiment is the declaration.
var Experiment = declare()

// floods are what streams run beside, with what each is in words.
var floods = []struct{ name, text string }{
	{"tokenize", "texts that are tokenised"},
	{"refused", "large JSON bodies that are refused"},
	{"metrics", "scrapes of /metrics"},
	{"debug", "small requests that are logged, at level debug"},
}

// cells are the floods that the flag -floods names.
const cells = "{floods}/"

func declare() experiment.Declaration {
	e := experiment.Declaration{
		ID:    "flood",
		Title: "eight streams beside clients that ask the same server for something else, all they can",
		Claim: "No figure of the article's, but its wish: inference undisturbed by what else the process does. The bars are " +
			"our own. Beside floods of /tokenize, of JSON that is refused, of scrapes and of log lines the streams make five " +
			"times the tokens that they make on stock Go, no gap of a hundred is longer than three times that of an idle server's, and the " +
			"flood is answered at 0.8 of its rate on stock Go.",
		Mistaken: "The clients share the machine's cores with the server, and the kernel shares them out among threads of equal " +
			"weight. What the server does for stock Go is in its figures, too: it gives the engine's threads cores of their own " +
			"by GOMAXPROCS, and bounds how many texts are tokenised at once. A stream that has its tokens asks again, so the time to " +
			"a first token is in the rates; between two answers there is no gap.",
		Metric: "tokenize/tokens_per_s",
		Label:  "tokens of eight streams beside a flood of /tokenize",
		Unit:   "1/s",
		Better: experiment.HigherIsBetter,
		Bars: []experiment.Bar{
			{Text: "no request fails", Metric: "errors", EachRound: true, Bound: experiment.AtMost, Limit: 0},
		},
		Metrics: []experiment.Metric{
			{Name: "alone/tokens_per_s", Text: "tokens of all streams, nobody else asks"},
			{Name: "alone/inter_token_{p50,p99}_us", Text: "between two tokens of a stream, nobody else asks"},
			{Name: cells + "tokens_per_s", Text: "tokens of all streams beside the flood"},
			{Name: cells + "inter_token_{p50,p99}_us", Text: "between two tokens of a stream, beside the flood"},
			{Name: cells + "inter_token_p99_vs_alone", Text: "the longer over that of the same server alone"},
			{Name: cells + "kept", Text: "the streams' tokens over those alone"},
			{Name: cells + "answered_per_s", Text: "the flood's requests that were answered"},
			{Name: "{alone,{floods}}/{server,client}_cpu_share", Text: "processors that the server's process took, and that of the clients"},
			{Name: "errors", Text: "requests that failed, of both kinds"},
		},
		Figure: &experiment.Figure{
			Metrics: []string{"alone/tokens_per_s"},
			Label:   "tokens of eight streams a second, alone and beside a flood, 95 % confidence (higher is better)",
		},
		// One client for both: what differs is the server.
		Arms: []experiment.Arm{
			{Name: "stock", Toolchain: experiment.Stock, Args: []string{"-server=${stock}/weir"}},
			{Name: "weir", Toolchain: experiment.Stock, Args: []string{"-server=${weir}/weir"}},
		},
		Packages: []experiment.Package{{Path: "./server/cmd/weir"}},
		Rounds:   10,
		Derive:   derive,
		Quick:    []string{"-seconds=0.5", "-lead=0.2"},
	}
	for _, f := range floods {
		e.Figure.Metrics = append(e.Figure.Metrics, f.name+"/tokens_per_s")
		e.Bars = append(e.Bars,
			experiment.Bar{
				Text:   "tokens beside " + f.text + ", against stock Go",
				Metric: f.name + "/tokens_per_s", Ratio: true, Bound: experiment.AtLeast, Limit: 5,
			},
			experiment.Bar{
				Text:   "p99 between two tokens beside " + f.text + ", against none",
				Metric: f.name + "/inter_token_p99_vs_alone", Bound: experiment.AtMost, Limit: 3,
			},
			experiment.Bar{
				Text:   "answers to " + f.text + ", against stock Go",
				Metric: f.name + "/answered_per_s", Ratio: true, Bound: experiment.AtLeast, Limit: 0.8,
			})
	}
	return e
}

// derive relates what streams have beside a flood to what they have alone.
func derive(round experiment.Round) error {
	for arm, m := range round {
		for what, of := range map[string]string{"kept": "tokens_per_s", "inter_token_p99_vs_alone": "inter_token_p99_us"} {
			alone := m["alone/"+of]
			if alone <= 0 {
				return fmt.Errorf("derive shares: arm %s has no %s alone", arm, of)
			}
			for _, f := range floods {
				if value, ok := m[f.name+"/"+of]; ok {
					m[f.name+"/"+what] = value / alone
				}
			}
		}
	}
	return nil
}
