// Command quota measures how many tokens a second a server makes under CPU quotas, and
// how soon it knows of a change.
//
//	quota -server=build/bin/weir
//
// The server is in a control group of its own; for each processor there is a process
// that never rests, in another. First there is no quota; then each in turn is set while
// the server idles, /metrics is asked until it says so, and after a while all streams
// decode together for some seconds.
//
// It needs root, and the CPU controller of control groups, of either version.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
	"github.com/weirgo/weir/bench/quota"
)

var (
	serverPath = flag.String("server", "build/bin/weir", "the server's `binary`")
	model      = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	percents   = flag.String("percents", "150,100,50", "quotas, in percent of a processor")
	streams    = flag.Int("streams", 4, "streams that decode together")
	tokens     = flag.Int("tokens", 128, "tokens of a stream")
	seconds    = flag.Float64("seconds", 4, "time for each quota, in seconds: the wave under way is finished")
	settle     = flag.Duration("settle", time.Second, "time between a change and what is measured under it")
	steps      = load.DefaultSampling
)

func main() {
	if os.Getenv(hogVariable) != "" {
		hog()
		return
	}
	steps.AddFlags(flag.CommandLine)
	sample.Main(quota.Experiment, measure, needsGroups)
}

func measure(r *sample.Recorder) (err error) {
	quotas, err := sample.Counts("percents", *percents, 1, 100_000)
	if err != nil {
		return err
	}
	ctx := context.Background()
	own, err := newGroup(groupName("server"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.remove()) }()
	others, err := newGroup(groupName("hogs"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, others.remove()) }()
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(*streams), "-c", strconv.Itoa(*streams * 512),
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := own.take(s.PID); err != nil {
		return err
	}
	stop, err := startHogs(others)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return measureQuotas(ctx, r, s, own, quotas)
}

// measureQuotas measures without a quota, and under each.
func measureQuotas(ctx context.Context, r *sample.Recorder, s *served.Server, g *group, quotas []int) error {
	free, err := measureRate(ctx, s)
	if err != nil {
		return err
	}
	free.record(r, "none/")
	failed, worst, latest := free.failed, math.Inf(1), time.Duration(0)
	for _, percent := range quotas {
		changed := time.Now()
		if err := g.limit(percent); err != nil {
			return err
		}
		if err := awaitQuota(ctx, s.URL, float64(percent)/100); err != nil {
			return err
		}
		followed := time.Since(changed)
		time.Sleep(*settle)
		got, err := measureRate(ctx, s)
		if err != nil {
			return err
		}
		cell := fmt.Sprintf("quota%d/", percent)
		got.record(r, cell)
		r.Set(cell+"share", got.share(free, percent))
		r.Set(cell+"follow_ms", followed.Seconds()*1e3)
		worst, latest, failed = min(worst, got.share(free, percent)), max(latest, followed), failed+got.failed
	}
	r.Set("worst/share", worst)
	r.Set("worst/follow_ms", latest.Seconds()*1e3)
	r.Set("errors", float64(failed))
	return nil
}

// rate is what a server makes, and of how much.
type rate struct {
	tokensPerSecond, processors float64
	failed                      int
}

func (got rate) record(r *sample.Recorder, cell string) {
	r.Set(cell+"tokens_per_s", got.tokensPerSecond)
	r.Set(cell+"processors", got.processors)
}

// share is the rate over what is in proportion to the processors' time that a quota
// leaves of what was taken without.
func (got rate) share(free rate, percent int) float64 {
	left := min(1, float64(percent)/100/free.processors)
	return got.tokensPerSecond / (free.tokensPerSecond * left)
}

// measureRate has all streams decode for a while.
func measureRate(ctx context.Context, s *served.Server) (got rate, err error) {
	cfg := load.Config{URL: s.URL + "/v1/completions", Streams: *streams,
		Request: load.Request{Prompt: "Once upon a time", MaxTokens: *tokens, Sampling: steps}}
	before, err := sample.ProcessClock(s.PID)
	if err != nil {
		return got, err
	}
	begin := time.Now()
	waves, err := load.RunWaves(ctx, cfg, time.Duration(*seconds*float64(time.Second)))
	if err != nil {
		return got, err
	}
	took := time.Since(begin)
	after, err := sample.ProcessClock(s.PID)
	if err != nil {
		return got, err
	}
	if waves.Failed > 0 {
		fmt.Fprintf(os.Stderr, "%v\n", waves.Errors)
	}
	got = rate{waves.Rate(), (after - before).Seconds() / took.Seconds(), waves.Failed}
	if got.tokensPerSecond <= 0 || got.processors <= 0 {
		return got, errors.New("the server makes no tokens")
	}
	return got, nil
}

// quotaMetric is where the server says what it knows.
const quotaMetric = "weir_cpu_quota_processors"

// awaitTimeout is long after any bar.
const awaitTimeout = 20 * time.Second

// awaitQuota asks the server until it knows of a quota, in processors.
func awaitQuota(ctx context.Context, url string, quota float64) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	for {
		known, err := askQuota(ctx, url)
		if err != nil {
			return fmt.Errorf("ask the server for its quota: %w", err)
		}
		if math.Abs(known-quota) < 0.005 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server says %v processors, not %v: is it of this revision?", known, quota)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func askQuota(ctx context.Context, url string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return readMetric(response.Body, quotaMetric)
}

// readMetric finds a metric without labels.
func readMetric(r io.Reader, name string) (float64, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.Join(fmt.Errorf("no metric %s", name), lines.Err())
}
