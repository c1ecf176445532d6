package trial

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/check"
	"github.com/weirgo/weir/server/gguf/tamper"
)

func bytesAt(content []byte) io.ReaderAt { return bytes.NewReader(content) }

// outcomes count what became of mutated files.
type outcomes struct{ refused, failed, died, passed int }

// TestMutatedModels spoils a sound model in thousands of ways (WEIR_ATTACK=full;
// otherwise a few tens of them) and does with each what weir serve does: the
// check, the child, and if that was well the load, here. Whatever the file is,
// this process lives and goes on.
func TestMutatedModels(t *testing.T) {
	library := llamatest.Open(t)
	const seed = 20261127
	random := rand.New(rand.NewPCG(seed, 0))
	sound := tamper.Sound(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "mutated.gguf")
	write := func(change func(*tamper.Model)) []byte {
		tamper.WriteTo(t, path, change)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	all := fieldMutations(sound, random)
	all = append(all, keyMutations(t, write)...)
	all = append(all, randomMutations(sound, 2000, random, write)...)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if os.Getenv("WEIR_ATTACK") != "full" {
		all = all[:60]
	} else if len(all) < 5000 {
		t.Errorf("only %d mutations", len(all))
	}
	var o outcomes
	for _, m := range all {
		if err := os.WriteFile(path, m.bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		died := o.died
		if err := o.meet(t, library, path); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if o.died > died { // worth a look, whether the check should know it
			t.Logf("%s: the child died", m.name)
		}
	}
	t.Logf("%d files, seed %d: %+v", len(all), seed, o)
}

// meet does with a file what weir serve does; the error is what must not be.
func (o *outcomes) meet(t *testing.T, library *llama.Library, path string) error {
	if err := check.File(path); err != nil {
		o.refused++
		if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			return err
		}
		return nil
	}
	err := Run(t.Context(), path, 4<<20, Config{Library: library.Dir(), Depth: OfWeights, TimeLimit: 20 * time.Second})
	switch {
	case err == nil:
	case !strings.Contains(err.Error(), path), strings.Contains(err.Error(), "\n"):
		return err
	case strings.Contains(err.Error(), "the engine library "): // also if it hung
		o.died++
		t.Log(err)
		return nil
	default:
		o.failed++
		return nil
	}
	o.passed++
	model, err := library.Load(t.Context(), path, engine.ModelConfig{})
	if err != nil {
		return err
	}
	tokens, err := tokenize(model, func(string) {})
	if err == nil {
		err = compute(model, tokens)
	}
	return errors.Join(err, model.Close())
}
