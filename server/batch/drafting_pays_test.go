package batch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// takes is what a step takes that has so much for itself, and 10 µs for a row.
func takes(step time.Duration) func(*engine.Batch) time.Duration {
	return func(b *engine.Batch) time.Duration { return step + time.Duration(b.Len())*10*time.Microsecond }
}

// guessing answers prompts in turns, so many streams at once, and returns how many rows it
// took for a token in the last turn, and the time of all.
func guessing(t *testing.T, cfg Config, streams int) (rowsPerToken float64, took time.Duration) {
	const turns, tokens = 6, 64
	rows, right := 0, 0
	cfg.MaxSequences = streams
	cfg.Observe = func(s Step) { rows, right = rows+s.DecodeRows, right+s.Accepted }
	loop, _ := stepped(t, enginetest.Options{Next: repeats, Delay: takes(time.Millisecond)},
		engine.ContextConfig{ContextTokens: streams * 1024, BatchTokens: 512}, cfg)
	began := time.Now()
	for range turns {
		rows, right = 0, 0
		var all []*Generation
		for i := range streams {
			all = append(all, submit(t, loop, plain(i%2, 128, tokens)))
		}
		results(loop, all)
	}
	return float64(rows) / float64(rows+right), time.Since(began)
}

// TestDraftsPayOnAnAccelerator: a step takes a ms and a row of it next to nothing. By what the
// loop learns of that it guesses, for one stream and for eight, looked up and, for one, by a
// model whose steps take an eighth, and which has prompts to read before. One whose steps
// take longer is soon left alone.
func TestDraftsPayOnAnAccelerator(t *testing.T) {
	for _, c := range []struct {
		name    string
		model   time.Duration // of a step of the draft model; 0: there is none
		streams int
		pays    bool
	}{
		{"lookup", 0, 1, true},
		{"lookup", 0, 8, true},
		{"model", time.Millisecond / 8, 1, true},
		{"model", time.Millisecond / 8, 8, false}, // see pace's limits
		{"slow model", 1250 * time.Microsecond, 1, false},
		{"slow model", 1250 * time.Microsecond, 8, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var cfg Config
			cfg.Draft.Lookup = c.model == 0
			if c.model > 0 {
				cfg.DraftModel = enginetest.New(enginetest.Options{Next: halfRight, Delay: takes(c.model)})
			}
			_, without := guessing(t, Config{}, c.streams)
			rows, took := guessing(t, cfg, c.streams)
			t.Logf("%s, %d streams: %.2f rows for a token, %v, without %v", c.name, c.streams, rows, took, without)
			if c.pays && (rows > 0.6 || took > without*8/10) || !c.pays && took > without*110/100 {
				t.Errorf("%s, %d streams: %.2f rows for a token, %v, without %v", c.name, c.streams, rows, took, without)
			}
		})
	}
}
