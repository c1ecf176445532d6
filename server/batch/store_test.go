package batch

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// storing makes a stepped loop that restores what its store has however fast the machine
// is, with 256 tokens for each sequence.
func storing(t *testing.T, opts enginetest.Options, cfg Config) (*Loop, *enginetest.Model) {
	t.Helper()
	if cfg.CacheBytes == 0 && cfg.CacheDir == "" {
		cfg.CacheBytes = -1
	}
	cfg.Pacing = new(pace.Article) // which foresees nothing
	loop, model := stepped(t, opts, engine.ContextConfig{ContextTokens: cfg.MaxSequences * 256}, cfg)
	loop.stored.patience = time.Hour
	return loop, model
}

// awaited is answered for who may wait for a file.
func awaited(t *testing.T, loop *Loop, model *enginetest.Model, r *ask.Request) *Generation {
	t.Helper()
	g := submit(t, loop, r)
	var all []engine.Token
	for ended := false; !ended; {
		if !loop.step() {
			runtime.Gosched()
		}
		var tokens []engine.Token
		tokens, ended = ready(g, 64)
		all = append(all, tokens...)
	}
	checkOutput(t, model, loop.Limits(), r, all, g.Finish())
	return g
}

// written waits until so many states are in files.
func written(t *testing.T, loop *Loop, n int) {
	t.Helper()
	for loop.Stats().Stored.DiskEntries < n {
		runtime.Gosched()
		loop.collectStored()
	}
}

// killed is a copy of a directory: what a process finds whose predecessor has come to no
// end.
func killed(t *testing.T, dir string) string {
	t.Helper()
	after := t.TempDir()
	if err := os.CopyFS(after, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return after
}

// What was left in a place that others needed comes back, with all but the prompt's last
// token, however it went.
func TestStoredPrefixesComeBack(t *testing.T) {
	first, other := prompt(1, 100), prompt(2, 100)
	system := prompt(3, 70)
	one, two := slices.Concat(system, prompt(4, 80)), slices.Concat(system, prompt(5, 80))
	for name, c := range map[string]struct {
		opts     enginetest.Options
		places   int
		requests [][]engine.Token
		cached   []int
		ram      uint64
	}{
		"another prompt": {enginetest.Options{}, 1, [][]engine.Token{first, other, first, other}, []int{0, 0, 99, 99}, 2},
		"it goes on":     {enginetest.Options{}, 1, [][]engine.Token{first, other, slices.Concat(first, prompt(6, 9))}, []int{0, 0, 100}, 1},
		"it parts":       {enginetest.Options{}, 1, [][]engine.Token{first, other, slices.Concat(first[:80], prompt(6, 9))}, []int{0, 0, 80}, 1},
		"too short":      {enginetest.Options{}, 1, [][]engine.Token{first[:40], other, first[:40]}, []int{0, 0, 0}, 0},
		"too little":     {enginetest.Options{}, 1, [][]engine.Token{first, other, slices.Concat(first[:60], prompt(6, 9))}, []int{0, 0, 0}, 0},
		"cut to others":  {enginetest.Options{}, 1, [][]engine.Token{one, two, one, two}, []int{0, 70, 149, 149}, 2},
		"beside others":  {enginetest.Options{}, 2, [][]engine.Token{one, first, two, first, one}, []int{0, 0, 70, 99, 149}, 1},
		"whole alone": {
			enginetest.Options{NoPartialRemoval: true}, 1,
			[][]engine.Token{first, other, slices.Concat(first[:80], prompt(6, 9)), other, first}, []int{0, 0, 0, 0, 0}, 0,
		},
		"no cells": {enginetest.Options{CacheTokens: 180}, 2, [][]engine.Token{first, other, first}, []int{0, 0, 99}, 1},
		"no state": {enginetest.Options{NoState: true}, 1, [][]engine.Token{first, other, first}, []int{0, 0, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			decoded := 0
			c.opts.Fault = func(_ int, b *engine.Batch) error {
				if c.opts.CacheTokens == 0 {
					decoded += b.Len()
				}
				return nil
			}
			loop, model := storing(t, c.opts, Config{MaxSequences: c.places})
			want := 0
			for i, tokens := range c.requests {
				_, g := answered(t, loop, model, asking(tokens, 3))
				if g.Cached() != c.cached[i] {
					t.Errorf("request %d: %d tokens were computed already, want %d", i, g.Cached(), c.cached[i])
				}
				want += len(tokens) + 2 - g.Cached()
			}
			if c.opts.CacheTokens == 0 && decoded != want {
				t.Errorf("%d tokens were decoded, by what was said to be there it were %d", decoded, want)
			}
			if s := loop.Stats(); s.RAMHits != c.ram || s.DiskHits != 0 || s.RAMHits+s.LiveHits != s.Reusing {
				t.Errorf("%d hits in memory, want %d: %+v", s.RAMHits, c.ram, s)
			}
		})
	}
}

// What is restored whole, where it cannot be cut, is what is gone on from.
func TestStoredWhole(t *testing.T) {
	loop, model := storing(t, enginetest.Options{NoPartialRemoval: true}, Config{MaxSequences: 1})
	said, _ := answered(t, loop, model, asking(prompt(1, 100), 3))
	answered(t, loop, model, asking(prompt(2, 100), 3))
	if _, g := answered(t, loop, model, asking(slices.Concat(prompt(1, 90), prompt(3, 9)), 3)); g.Cached() != 0 || !loop.stored.whole {
		t.Errorf("%d tokens were computed already, cut: %v", g.Cached(), !loop.stored.whole)
	}
	answered(t, loop, model, asking(prompt(2, 100), 3))
	if _, g := answered(t, loop, model, asking(slices.Concat(prompt(1, 100), said, prompt(3, 9)), 3)); g.Cached() != 102 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
}

// Files give what memory gives, also to a process whose predecessor was killed.
func TestFilesAreRestored(t *testing.T) {
	cfg := Config{MaxSequences: 1, CacheDir: t.TempDir()}
	loop, model := storing(t, enginetest.Options{}, cfg)
	for seed := range 3 {
		answered(t, loop, model, asking(prompt(seed, 100), 3))
	}
	written(t, loop, 2)
	if s := loop.Stats().Stored; s.RAMBytes != 0 || s.DiskBytes == 0 {
		t.Errorf("%+v", s)
	}
	check := func(loop *Loop, model *enginetest.Model) {
		t.Helper()
		for seed := range 2 {
			if g := awaited(t, loop, model, asking(prompt(seed, 100), 3)); g.Cached() != 99 {
				t.Errorf("prompt %d: %d tokens were computed already", seed, g.Cached())
			}
		}
		if s := loop.Stats(); s.DiskHits != 2 || s.RAMHits != 0 || s.Stored.Damaged != 0 {
			t.Errorf("%+v", s)
		}
	}
	after := killed(t, cfg.CacheDir)
	check(loop, model)
	cfg.CacheDir = after
	check(storing(t, enginetest.Options{}, cfg))
}

// A file that is damaged costs what it would have saved, and is gone.
func TestDamagedFilesAreComputed(t *testing.T) {
	cfg := Config{MaxSequences: 1, CacheDir: t.TempDir()}
	loop, model := storing(t, enginetest.Options{}, cfg)
	answered(t, loop, model, asking(prompt(1, 100), 3))
	answered(t, loop, model, asking(prompt(2, 100), 3))
	written(t, loop, 1)
	names, err := filepath.Glob(filepath.Join(cfg.CacheDir, "*.kv"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%q, %v", names, err)
	}
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-40] ^= 1
	if err := os.WriteFile(names[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	if g := awaited(t, loop, model, asking(prompt(1, 100), 3)); g.Cached() != 0 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
	if s := loop.Stats(); s.Stored.Damaged != 1 || s.DiskHits != 0 {
		t.Errorf("%+v", s.Stored)
	}
}

// Who is to be kept apart is, in memory and in files, and after a start with another
// setting.
func TestStoresAreKeptApart(t *testing.T) {
	tokens := prompt(1, 100)
	with := func(name, salt string) *ask.Request {
		r := asking(tokens, 3)
		r.Tenant.Name, r.CacheSalt = name, salt
		return r
	}
	never := with("a", "")
	never.Reuse = ask.ReuseNever
	scored := with("a", "")
	scored.Echo, scored.TopLogprobs = true, 0
	for _, c := range []struct {
		name      string
		perTenant bool
		r         *ask.Request
		cached    int
	}{
		{"the same", false, with("a", "x"), 99},
		{"another of its salt", false, with("b", "x"), 99},
		{"without a salt", false, with("a", ""), 0},
		{"of another salt", false, with("a", "y"), 0},
		{"computed anew", false, never, 0},
		{"scored", false, scored, 0},
		{"by tenant", true, with("a", "x"), 0},
		{"that forges a tenant", false, with("", "1:ax"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{MaxSequences: 1, CacheDir: t.TempDir(), CacheBytes: -1}
			loop, model := storing(t, enginetest.Options{}, cfg)
			answered(t, loop, model, with("a", "x"))
			answered(t, loop, model, asking(prompt(2, 100), 3))
			written(t, loop, 1)
			cfg.CacheDir, cfg.PrefixPerTenant = killed(t, cfg.CacheDir), c.perTenant
			again, modelAgain := storing(t, enginetest.Options{}, cfg)
			if g := awaited(t, again, modelAgain, c.r); g.Cached() != c.cached {
				t.Errorf("of a file %d tokens were computed already, want %d", g.Cached(), c.cached)
			}
			if !c.perTenant {
				if g := awaited(t, loop, model, c.r); g.Cached() != c.cached {
					t.Errorf("%d tokens were computed already, want %d", g.Cached(), c.cached)
				}
			}
		})
	}
	cfg := Config{MaxSequences: 1, PrefixPerTenant: true, CacheDir: t.TempDir()}
	loop, model := storing(t, enginetest.Options{}, cfg)
	answered(t, loop, model, with("a", "x"))
	answered(t, loop, model, asking(prompt(2, 100), 3))
	written(t, loop, 1)
	cfg.PrefixPerTenant, cfg.CacheDir = false, killed(t, cfg.CacheDir)
	loop, model = storing(t, enginetest.Options{}, cfg)
	if g := awaited(t, loop, model, with("", "1:ax")); g.Cached() != 0 {
		t.Errorf("%d tokens of a tenant were given to a salt", g.Cached())
	}
}

// What is not faster than computing is computed, and stays in the store.
func TestSlowStatesAreComputed(t *testing.T) {
	loop, model := storing(t, enginetest.Options{}, Config{MaxSequences: 1})
	answered(t, loop, model, asking(prompt(1, 100), 3))
	answered(t, loop, model, asking(prompt(2, 100), 3))
	loop.stored.restoring.Add(1, time.Hour)
	loop.pacing.estimate.promptNs.Store(1000)
	g := submit(t, loop, asking(prompt(1, 100), 3))
	loop.step()
	if g.Cached() != 0 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
	finishAll(t, loop, []*Generation{g})
	answered(t, loop, model, asking(prompt(2, 100), 3)) // it needs what it computes itself
	loop.pacing.estimate.promptNs.Store(int64(24 * time.Hour))
	g = submit(t, loop, asking(prompt(1, 100), 3))
	loop.step()
	if g.Cached() != 99 || loop.Stats().RAMHits != 1 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
	finishAll(t, loop, []*Generation{g})
}

// What would hold those up who run is not saved, and what does not is.
func TestSavingHoldsNobodyUp(t *testing.T) {
	for running, want := range map[bool]uint64{false: 1, true: 0} {
		t.Run(fmt.Sprint(running), func(t *testing.T) {
			loop, model := storing(t, enginetest.Options{}, Config{MaxSequences: 2})
			loop.stored.saving.Add(1<<20, time.Duration(1<<20)*300*time.Microsecond) // of 400 bytes 120 ms
			if running {
				submit(t, loop, asking(prompt(9, 10), 200))
				loop.step()
			} else {
				answered(t, loop, model, asking(prompt(9, 70), 2))
			}
			answered(t, loop, model, asking(prompt(1, 100), 3))
			answered(t, loop, model, asking(prompt(2, 100), 3))
			if s := loop.Stats().Stored; s.Saves != want || s.Refused != 1-want {
				t.Errorf("%+v", s)
			}
		})
	}
	for _, c := range []struct {
		running bool
		tpot    time.Duration
		want    time.Duration
	}{{false, 0, time.Second}, {false, time.Millisecond, time.Second}, {true, 0, 50 * time.Millisecond}, {true, time.Second, 50 * time.Millisecond}, {true, time.Millisecond, time.Millisecond}} {
		if got := mostStall(c.running, c.tpot); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if got := savingTime(1<<20, 1<<21); got != time.Second/2 {
		t.Error(got)
	}
	if got := savingTime(savingRate, 0); got != time.Second {
		t.Error(got)
	}
}
