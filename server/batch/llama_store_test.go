package batch_test

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
)

// Greedy answers of the real library are the same, to the byte, with states that were
// restored from memory, from a file, and from what a process has left that was killed.
func TestLlamaStoreChangesNothing(t *testing.T) {
	without, model := openLlamaOf(t, batch.Config{MaxSequences: 1, NoPrefixCache: true}, 512)
	var requests []*ask.Request
	for _, said := range []string{"the river runs ", "an old mill stands ", "one trout waits "} {
		tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: strings.Repeat(said, 80)})
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, &ask.Request{Prompt: ask.Prompt{Tokens: tokens[:140]}, MaxTokens: 12, TopLogprobs: -1, IgnoreEOS: true})
	}
	var alone [][]batch.Result
	for _, r := range requests {
		results, f := readAll(submit(t, without, r))
		if f.Err != nil {
			t.Fatal(f.Err)
		}
		alone = append(alone, results)
	}
	run := func(name string, loop *batch.Loop) batch.Stats {
		for i, r := range slices.Concat(requests, requests) {
			g := submit(t, loop, r)
			results, f := readAll(g)
			want := alone[i%len(requests)]
			if f.Err != nil || len(results) != len(want) {
				t.Fatalf("%s, request %d: %d tokens, %+v", name, i, len(results), f)
			}
			for k := range want {
				if results[k].Token != want[k].Token {
					t.Errorf("%s, request %d: token %d is %d, alone %d", name, i, k, results[k].Token, want[k].Token)
					break
				}
			}
			if n := len(r.Prompt.Tokens); i >= len(requests) && g.Cached() != n-1 {
				t.Errorf("%s, request %d: %d of %d tokens were computed already", name, i, g.Cached(), n)
			}
		}
		return loop.Stats()
	}
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		cfg  batch.Config
	}{{"memory", batch.Config{CacheBytes: -1}}, {"files", batch.Config{CacheDir: dir}}} {
		c.cfg.MaxSequences, c.cfg.Pacing = 1, new(pace.Article) // which foresees nothing: what there is is restored
		loop, _ := openLlamaOf(t, c.cfg, 512)
		s := run(c.name, loop)
		if s.RAMHits+s.DiskHits < uint64(len(requests)) || s.Stored.Refused != 0 || s.Stored.Damaged != 0 {
			t.Errorf("%s: %+v", c.name, s)
		}
		for c.cfg.CacheDir != "" && loop.Stats().Stored.DiskEntries < len(requests) {
			runtime.Gosched()
		}
	}
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	loop, _ := openLlamaOf(t, batch.Config{MaxSequences: 1, CacheDir: killed, Pacing: new(pace.Article)}, 512)
	if s := run("killed", loop); s.DiskHits == 0 || s.Stored.Damaged != 0 {
		t.Errorf("%+v", s)
	}
}
