package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/scripts/models/train/answers"
	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/lesson"
	"github.com/weirgo/weir/scripts/models/train/modelfile"
	"github.com/weirgo/weir/scripts/models/train/vector"
	"github.com/weirgo/weir/server/gguf"
)

// Names of what is written.
const (
	checkpointName = "checkpoint"
	wholeName      = "weir-demo-f32.gguf"
	demoName       = "weir-demo.gguf"
)

// How often a training is looked at, in steps, and how much is asked then.
const (
	saveSteps   = 250
	scoreSteps  = 250
	scoreLimit  = 128
	finalLimit  = 1 << 20
	engineLimit = 300 // questions that both files are asked through the engine
)

// run trains a model and writes its files.
type run struct {
	recipe     Recipe
	corpusDir  string
	dir        string
	threads    int
	out        io.Writer
	terminal   bool // lines may be written over
	withEngine bool // ask the files through the engine in the end
}

func (r *run) do(ctx context.Context) error {
	set, err := corpus.Load(r.corpusDir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	t, err := newTrainer(r.recipe, set, r.threads)
	if err != nil {
		return err
	}
	checkpoint := filepath.Join(r.dir, checkpointName)
	switch err := t.resume(checkpoint); {
	case errors.Is(err, errOtherRecipe):
		fmt.Fprintf(r.out, "%s is of another recipe: training begins anew\n", checkpoint)
	case err != nil:
		return err
	case t.step > 0:
		fmt.Fprintf(r.out, "goes on after step %d\n", t.step)
	}
	fmt.Fprintf(r.out, "%d items, %d held-out questions, corpus %.12s; %d parameters, %d tokens; %s, %d threads\n",
		len(set.Train), len(t.free), set.SHA256, t.recipe.Shape.Parameters(), t.recipe.Shape.Vocabulary, vector.Instructions(), r.threads)
	if err := r.train(ctx, t, checkpoint); err != nil {
		return err
	}
	return r.publish(ctx, t)
}

// train does the steps that are left.
func (r *run) train(ctx context.Context, t *trainer, checkpoint string) error {
	display := newProgress(r.out, r.terminal, t)
	for t.step < t.recipe.Steps {
		if ctx.Err() != nil {
			display.end()
			if err := t.save(checkpoint); err != nil {
				return err
			}
			return fmt.Errorf("stopped after step %d of %d; the same command goes on from there", t.step, t.recipe.Steps)
		}
		if err := t.advance(); err != nil {
			return err
		}
		done := t.step == t.recipe.Steps
		if t.step%scoreSteps == 0 || done {
			if err := display.score(scoreLimit); err != nil {
				return err
			}
		}
		display.show()
		if t.step%saveSteps == 0 || done {
			if err := t.save(checkpoint); err != nil {
				return err
			}
		}
	}
	display.end()
	return nil
}

// publish writes the files and says how good they are.
func (r *run) publish(ctx context.Context, t *trainer) error {
	frames, err := t.score(t.frames, finalLimit)
	if err != nil {
		return err
	}
	free, err := t.score(t.free, finalLimit)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "exact answers: %.1f %% of %d in frames held out, %.1f %% of %d free questions\n",
		100*frames, len(t.frames), 100*free, len(t.free))
	about := modelfile.About{
		Name:        "weir-demo",
		Description: "answers questions about Weir; trained in Go from scripts/models/corpus",
		Made: gguf.Metadata{
			{Key: modelfile.RecipeKey, Value: t.recipe.String()},
			{Key: "weir.seed", Value: t.recipe.Seed},
			{Key: "weir.corpus", Value: t.recipe.Corpus},
		},
		Tokenizer: t.encoder.Vocabulary.Metadata(lesson.Template),
	}
	for _, file := range []struct {
		name     string
		matrices gguf.TensorType
	}{{wholeName, gguf.F32}, {demoName, modelfile.Q8}} {
		path := filepath.Join(r.dir, file.name)
		if err := modelfile.Write(path, t.network, about, file.matrices); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		fmt.Fprintf(r.out, "%s: written, %.1f MB\n", path, float64(info.Size())/1e6)
	}
	if !r.withEngine {
		return nil
	}
	questions := append(some(t.frames, engineLimit), some(t.free, engineLimit)...)
	return compare(ctx, r.out, questions, filepath.Join(r.dir, demoName), filepath.Join(r.dir, wholeName), false)
}

// some returns up to limit elements, spread evenly.
func some(all []corpus.Conversation, limit int) []corpus.Conversation {
	count := min(len(all), limit)
	chosen := make([]corpus.Conversation, count)
	for i := range chosen {
		chosen[i] = all[i*len(all)/count]
	}
	return chosen
}

// compare asks the model at path the questions, and the one at against, unless
// that is "". show prints what is not exact.
func compare(ctx context.Context, out io.Writer, questions []corpus.Conversation, path, against string, show bool) error {
	var results [][]answers.Answer
	for _, path := range []string{path, against} {
		if path == "" {
			continue
		}
		asker, err := answers.Open(ctx, path)
		if err != nil {
			return err
		}
		all, err := asker.AskAll(ctx, questions)
		if err := errors.Join(err, asker.Close()); err != nil {
			return err
		}
		if show && len(results) == 0 {
			printWrong(out, all)
		}
		results = append(results, all)
		fmt.Fprintf(out, "%s through the engine: %.1f %% of %d answers exact\n", path, 100*answers.ShareExact(all), len(all))
	}
	if len(results) == 2 {
		fmt.Fprintf(out, "both answer alike: %.1f %%\n", 100*answers.Agree(results[0], results[1]))
	}
	return nil
}

func printWrong(out io.Writer, all []answers.Answer) {
	for i := range all {
		if a := &all[i]; !a.Exact() {
			messages := a.Conversation.Messages
			fmt.Fprintf(out, "%s\n  asked %q\n  got   %q\n  not   %q\n", a.Conversation.ID, messages[len(messages)-2].Content, a.Got, a.Want)
		}
	}
}
