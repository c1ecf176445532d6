// Command prefix measures a server with prompts that it has seen, whole or in part.
//
// Two parts. Repetition: each of several prompts is sent twice, one request after the
// other. Conversations (conversations.go): as many clients at once as the server has
// sequences, each of which sends the system's message and all turns so far, and waits
// for the answer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
	"github.com/weirgo/weir/bench/prefix"
)

var (
	serverPath = flag.String("server", "build/bin/weir", "our server's `binary`")
	serverURL  = flag.String("url", "", "`URL` of a server that runs, instead")
	model      = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	threads    = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads")
	contextOf  = flag.Int("sequence-context", 4096, "tokens of context for each sequence")
	prompts    = flag.Int("prompts", 7, "prompts that are repeated")
	words      = flag.Int("words", 600, "words of such a prompt")

	conversations = flag.Int("conversations", 64, "conversations under way at once")
	turns         = flag.Int("turns", 10, "turns of each")
	systemWords   = flag.Int("system-words", 100, "words of the system's message, which all begin with")
	userWords     = flag.Int("user-words", 12, "words of a user's message")
	answer        = flag.Int("answer", 16, "tokens of an answer at most")
)

func main() { sample.Main(prefix.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	if *prompts < 1 || *words < 1 || *conversations < 1 || *conversations > 256 || *turns < 1 || *systemWords < 1 || *userWords < 1 || *answer < 1 {
		return errors.New("prompts, words, conversations, turns and answer must be positive, conversations at most 256")
	}
	ctx := context.Background()
	url := *serverURL
	if url == "" {
		s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
			"-m", *model, "-np", strconv.Itoa(*conversations), "-c", strconv.Itoa(*conversations * *contextOf),
			"-t", strconv.Itoa(*threads), "--chat-template", "chatml", "--log-level", "warn",
		}})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		url = s.URL
	}
	failed, err := repeat(ctx, r, url)
	if err != nil {
		return err
	}
	r.Set("errors", float64(failed+converse(ctx, r, url)))
	return nil
}

// repeat sends each prompt twice and sets what that took. Prompts differ from their
// first word on.
func repeat(ctx context.Context, r *sample.Recorder, url string) (failed int, err error) {
	random := rand.New(rand.NewPCG(1, 1))
	var took [2][]float64
	prompt, cached := 0, 0
	for n := range *prompts + 1 { // the first one warms up
		long := fmt.Sprintf("%d %s", n, text(random, *words))
		for again := range took {
			first, err := firstToken(ctx, url, long)
			if err != nil {
				return failed, err
			}
			if first == 0 {
				failed++
			} else if n > 0 {
				took[again] = append(took[again], float64(first.Microseconds()))
			}
		}
		u, _, err := chat(ctx, url, []message{{"user", long}}, 1)
		if err == nil { // the chat's template makes another prompt of it
			u, _, err = chat(ctx, url, []message{{"user", long}}, 1)
		}
		if err != nil {
			failed++
			continue
		}
		prompt, cached = prompt+u.PromptTokens, cached+u.Details.CachedTokens
	}
	if len(took[0]) == 0 || len(took[1]) == 0 || prompt == 0 {
		return failed, errors.New("no prompt was answered")
	}
	before, after := sample.Median(took[0]), sample.Median(took[1])
	r.Set("first/first_token_us", before)
	r.Set("repeated/first_token_us", after)
	r.Set("repeated/share_of_first", after/before)
	r.Set("repeated/cached_share", float64(cached)/float64(prompt))
	return failed, nil
}

// firstToken is how long the first token of a completion takes, 0 if it failed.
func firstToken(ctx context.Context, url, prompt string) (time.Duration, error) {
	report, err := load.Run(ctx, load.Config{URL: url + "/v1/completions", Request: load.Request{Prompt: prompt, MaxTokens: 4}})
	if err != nil {
		return 0, err
	}
	g := report.Generations[0]
	if g.Err != nil || g.First.IsZero() {
		return 0, nil
	}
	return g.First.Sub(g.Due), nil
}

// vocabulary is what texts are made of.
var vocabulary = strings.Fields("the river runs under an old stone bridge and past a mill where nobody has ground corn for years but " +
	"children still come to fish in summer when water is low enough to wade across from one side to another")

// text is so many words.
func text(random *rand.Rand, words int) string {
	all := make([]string, words)
	for i := range all {
		all[i] = vocabulary[random.IntN(len(vocabulary))]
	}
	return strings.Join(all, " ")
}
