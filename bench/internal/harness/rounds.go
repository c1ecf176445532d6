package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// trial is an arm that is ready to run.
type trial struct {
	name   string
	binary string
	args   []string
}

func (t trial) command() []string { return append([]string{t.binary}, t.args...) }

// trial returns an arm's command as a checkout has it.
func (r *Runner) trial(from checkout, e experiment.Declaration, arm experiment.Arm, name string) trial {
	return trial{
		name: name, binary: filepath.Join(from.binaries(arm.Toolchain), e.ID),
		args: r.args(e, arm, func(name string) string {
			switch name {
			case "stock", "weir":
				return from.binaries(experiment.Toolchain(name))
			case "root":
				return r.root
			}
			return "${" + name + "}"
		}),
	}
}

// args are those of an arm's child; place replaces ${...}.
func (r *Runner) args(e experiment.Declaration, arm experiment.Arm, place func(string) string) []string {
	args := slices.Clone(arm.Args)
	if r.opts.Quick {
		args = append(args, e.Quick...)
	}
	args = append(args, r.opts.Args...)
	for i := range args {
		args[i] = os.Expand(args[i], place)
	}
	return args
}

// rawSample is a line of <id>.raw.jsonl.
type rawSample struct {
	Round   int     `json:"round"`
	Arm     string  `json:"arm"`
	Started string  `json:"started"` // RFC 3339, UTC
	WallS   float64 `json:"wall_s"`
	Load    string  `json:"load_before"`
	disturbance
	Sample
}

// rounds runs every trial once a round.
func (r *Runner) rounds(ctx context.Context, e experiment.Declaration, trials []trial) ([]experiment.Round, []rawSample, error) {
	var rounds []experiment.Round
	var raw []rawSample
	total := r.roundsOf(e)
	for n := range total {
		round := make(experiment.Round)
		for _, index := range order(len(trials), n) {
			sample, err := r.once(ctx, e, trials[index], n+1)
			if err != nil {
				return nil, nil, fmt.Errorf("harness: %s: round %d: arm %s: %w", e.ID, n+1, trials[index].name, err)
			}
			round[sample.Arm] = sample.Measurements
			raw = append(raw, sample)
		}
		if e.Derive != nil {
			if err := e.Derive(round); err != nil {
				return nil, nil, fmt.Errorf("harness: %s: round %d: %w", e.ID, n+1, err)
			}
		}
		rounds = append(rounds, round)
		fmt.Fprintf(r.opts.Log, "%s %d/%d %s\n", e.ID, n+1, total, progress(e, trials, round))
	}
	return rounds, raw, nil
}

// once runs one trial and notes what else used the processors meanwhile.
func (r *Runner) once(ctx context.Context, e experiment.Declaration, t trial, round int) (rawSample, error) {
	started, load := time.Now(), loadAverage()
	before, err := readProcessorTimes()
	if err != nil {
		return rawSample{}, err
	}
	sample, err := runChild(ctx, r.root, e.Timeout, t.command())
	if err != nil {
		return rawSample{}, err
	}
	after, err := readProcessorTimes()
	return rawSample{
		Round: round, Arm: t.name, Started: started.UTC().Format(time.RFC3339Nano),
		WallS: time.Since(started).Seconds(), Load: load, Sample: sample, disturbance: after.since(before),
	}, err
}

// order returns the trials of a round as indexes: forward in even rounds,
// backward in odd ones.
func order(trials, round int) []int {
	indexes := make([]int, trials)
	for i := range indexes {
		indexes[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(indexes)
	}
	return indexes
}

// progress shows the deciding measurement of each trial that has it.
func progress(e experiment.Declaration, trials []trial, round experiment.Round) string {
	var parts []string
	for _, t := range trials {
		if value, ok := round[t.name][e.Metric]; ok {
			parts = append(parts, t.name+" "+strconv.FormatFloat(value, 'g', 4, 64))
		}
	}
	return strings.Join(parts, ", ") + " " + e.Unit
}
