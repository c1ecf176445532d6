package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// session is the server and what it is asked.
type session struct {
	server *served.Server
	prompt prompt
	failed int
}

// outcome is what a phase came to.
type outcome struct {
	load.Gaps
	name      string
	objective time.Duration // 0: none
	tokens    float64       // of all streams, a second
	prompts   float64       // tokens, a second
	paced     float64       // share of gaps within the objective, by the server
}

// counts are the server's, at one moment.
type counts struct {
	at                  time.Time
	prompts, gaps, late float64
}

// The metrics that they are of.
const (
	promptsMetric = "weir_prompt_tokens_total"
	gapsMetric    = "weir_paced_gaps_total"
	lateMetric    = "weir_paced_gaps_late_total"
)

// tail is for how long streams go on when what is counted has ended.
const tail = 100 * time.Millisecond

// phase has the streams run for lead and window, the prompts beside them in the
// window alone. What is counted is the window.
func (s *session) phase(ctx context.Context, name string, objective, lead, window time.Duration, prompts bool) (*outcome, error) {
	cfg := load.Config{
		URL: s.server.URL + "/v1/completions", Streams: *streams, Window: lead + window + tail, KeepArrivals: true,
		Request: load.Request{Prompt: name + ": once upon a time", NumberFirst: true, MaxTokens: s.prompt.tokens, Sampling: load.DefaultSampling},
	}
	if objective > 0 {
		cfg.Header = map[string]string{"x-slo-tpot-ms": strconv.FormatFloat(delay.Microseconds.In(objective)/1000, 'f', 6, 64)}
	}
	type ran struct {
		report *load.Report
		err    error
	}
	done := make(chan ran, 1)
	go func() {
		report, err := load.Run(ctx, cfg)
		done <- ran{report, err}
	}()
	<-time.After(lead)
	before, err := s.counts(ctx)
	var prompted *load.Report
	switch {
	case err != nil:
	case prompts:
		prompted, err = load.Run(ctx, load.Config{
			URL: cfg.URL, Streams: *prompters, Window: window,
			Request: load.Request{Prompt: name + ": " + s.prompt.text, NumberFirst: true, MaxTokens: 1, Sampling: load.DefaultSampling},
		})
	default:
		<-time.After(window)
	}
	after, afterErr := s.counts(ctx) // the streams still run
	streamed := <-done
	if err := errors.Join(err, afterErr, streamed.err); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, report := range []*load.Report{streamed.report, prompted} {
		if report != nil && report.Failed() > 0 {
			s.failed += report.Failed()
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, report.Errors())
		}
	}
	return outcomeOf(name, objective, streamed.report, before, after), nil
}

// outcomeOf takes what lies between two readings of the server's counts.
func outcomeOf(name string, objective time.Duration, streamed *load.Report, before, after counts) *outcome {
	o := &outcome{name: name, objective: objective}
	o.Gaps = load.GapsOf(streamed.Generations, before.at, after.at, objective)
	wall := after.at.Sub(before.at).Seconds()
	o.tokens = float64(len(o.Gaps)) / wall
	o.prompts = (after.prompts - before.prompts) / wall
	if gaps := after.gaps - before.gaps; gaps > 0 {
		o.paced = 1 - (after.late-before.late)/gaps
	}
	return o
}

// record sets what there is of each phase.
func (o *outcome) record(r *sample.Recorder) {
	r.Set(o.name+"/gap_p50_us", delay.Microseconds.In(o.Quantile(0.5)))
	r.Set(o.name+"/gap_p99_us", delay.Microseconds.In(o.Quantile(0.99)))
	r.Set(o.name+"/gap_max_us", delay.Microseconds.In(o.Quantile(1)))
	r.Set(o.name+"/tokens_per_s", o.tokens)
	if o.name != "alone" {
		r.Set(o.name+"/prompt_tokens_per_s", o.prompts)
	}
}

// recordObjective sets what became of an objective. Beside streams whose gap alone is
// known it leaves the rest of it for prompts.
func (o *outcome) recordObjective(r *sample.Recorder, alone time.Duration, unlimited *outcome) {
	kept, room := 0.0, 1-float64(alone)/float64(o.objective)
	if unlimited.prompts > 0 {
		kept = o.prompts / unlimited.prompts
	}
	r.Set(o.name+"/objective_us", delay.Microseconds.In(o.objective))
	r.Set(o.name+"/within", o.Within(o.objective))
	r.Set(o.name+"/server_within", o.paced)
	r.Set(o.name+"/kept", kept)
	r.Set(o.name+"/of_room", kept/max(room, 1e-3))
}

// counts reads /metrics.
func (s *session) counts(ctx context.Context) (c counts, err error) {
	body, err := fetch(ctx, http.MethodGet, s.server.URL+"/metrics", nil)
	if err != nil {
		return c, err
	}
	c.at = time.Now()
	values := map[string]*float64{promptsMetric: &c.prompts, gapsMetric: &c.gaps, lateMetric: &c.late}
	for line := range strings.Lines(string(body)) {
		name, rest, _ := strings.Cut(line, "{")
		if at := values[name]; at != nil {
			_, text, _ := strings.Cut(rest, "} ")
			if *at, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
				return c, fmt.Errorf("read the server's counts: %w", err)
			}
			delete(values, name)
		}
	}
	if len(values) > 0 {
		return c, fmt.Errorf("read the server's counts: /metrics has none of %d metrics: is it a server of this version?", len(values))
	}
	return c, nil
}

// prompt is a text of a number of tokens.
type prompt struct {
	text   string
	tokens int
}

// sentence is what prompts are made of, again and again.
const sentence = "There was a little dog that lived in a house by the sea. "

// promptOf makes a prompt of no more than so many tokens.
func promptOf(ctx context.Context, url string, tokens int) (prompt, error) {
	const sample = 16
	n, err := countTokens(ctx, url, strings.Repeat(sentence, sample))
	if err != nil {
		return prompt{}, err
	}
	for times := tokens * sample / max(1, n); times > 0; times-- {
		p := prompt{text: strings.Repeat(sentence, times)}
		if p.tokens, err = countTokens(ctx, url, p.text); err != nil || p.tokens <= tokens {
			return p, err
		}
	}
	return prompt{}, fmt.Errorf("a prompt of %d tokens is shorter than a sentence: give more -prompt-tokens", tokens)
}

func countTokens(ctx context.Context, url, text string) (int, error) {
	question, err := json.Marshal(map[string]string{"content": text})
	if err != nil {
		return 0, err
	}
	body, err := fetch(ctx, http.MethodPost, url+"/tokenize", question)
	if err != nil {
		return 0, err
	}
	var answer struct{ Tokens []int }
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("count tokens: %w", err)
	}
	return len(answer.Tokens), nil
}

// fetch asks the server something beside what is measured.
func fetch(ctx context.Context, method, url string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.200s", url, response.Status, body)
	}
	return body, err
}
