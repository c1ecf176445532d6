package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/trial"
)

// verifyCommand is `weir models verify FILE`.
func verifyCommand(args []string, stdout io.Writer) error {
	f := newFlagSet("models verify", "Says whether a model file can be served, and if not, why: checks all it says of itself,\n"+
		"then has a child process load it, look at every weight and compute a few tokens.\n"+
		"The exit code is 1 if it cannot be served.", "FILE")
	var libraryDir string
	var asJSON bool
	cfg := trial.Config{Depth: trial.OfEverything, Model: engine.ModelConfig{GPULayers: defaultOptions().gpuLayers}}
	f.truth(&asJSON, "json", "say it as a JSON object")
	f.whole(&cfg.Model.GPULayers, "ngl gpu-layers n-gpu-layers", "N", "layers on the GPU, if the library has one; default: all")
	f.named(&libraryDir, "llama-lib", "DIR", "directory of the engine library; default: LLAMA_LIB or build/engine")
	named, err := f.parseNamed(args, stdout)
	if err != nil {
		return err
	}
	library, err := openLibrary(libraryDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("models verify: %w", err)
	}
	ctx, stop := firstSignal(context.Background()) // while C opens the library nobody would hear it
	defer stop()
	begin := time.Now()
	report, err := trial.Verify(ctx, library, named[0], cfg)
	if errors.Is(err, trial.ErrNoChild) {
		err = fmt.Errorf("%w: raise the limit of open files (ulimit -n) or of processes (ulimit -u)", err)
	}
	if asJSON {
		return reportJSON(stdout, named[0], report, err)
	}
	if err != nil {
		return fmt.Errorf("models verify: %w", err)
	}
	fmt.Fprintf(stdout, "%s can be served: %s, %d tensors, %s, tried with llama.cpp %s in %v\n", named[0], report.Architecture,
		report.Tensors, megabytes(uint64(report.SizeBytes)), library.Version(), time.Since(begin).Round(time.Millisecond))
	return nil
}

// reportJSON says what was found in a form for programs.
func reportJSON(stdout io.Writer, path string, report trial.Report, found error) error {
	answer := struct {
		File         string `json:"file"`
		Served       bool   `json:"can_be_served"`
		Error        string `json:"error,omitempty"`
		Architecture string `json:"architecture,omitempty"`
		Tensors      int    `json:"tensors,omitempty"`
		SizeBytes    int64  `json:"size_bytes,omitempty"`
	}{File: path, Served: found == nil, Architecture: report.Architecture, Tensors: report.Tensors, SizeBytes: report.SizeBytes}
	if found != nil {
		answer.Error = found.Error()
	}
	if err := json.NewEncoder(stdout).Encode(answer); err != nil {
		return err
	}
	if found != nil {
		return errReported
	}
	return nil
}

// tryCommand is the child process of a trial.
func tryCommand(_ []string, stdout io.Writer) error {
	if code := trial.Child(os.Stdin, stdout, os.Stderr); code != 0 {
		os.Exit(code) // it has been said
	}
	return nil
}

// loadVerified loads a model that has been tried. It begins when the child that
// tries it has loaded the model and computes yet: who comes second finds the
// file in memory.
func loadVerified(ctx context.Context, library *llama.Library, path string, cfg engine.ModelConfig, log *slog.Logger) (engine.Model, error) {
	begin := time.Now()
	loaded, tried := make(chan struct{}), make(chan error, 1)
	go func() {
		report, err := trial.Verify(ctx, library, path, trial.Config{Model: cfg, Loaded: func() { close(loaded) }})
		if errors.Is(err, trial.ErrNoChild) && ctx.Err() == nil {
			log.Warn("the model is served without a trial: raise the limits of descriptors and processes, or pass --no-verify", "error", err)
			err = nil
		} else if err == nil {
			depth := "weights"
			if report.Seen {
				depth = "vocabulary" // the rest has been
			}
			log.Info("model verified", "path", path, "tried", depth, "duration", time.Since(begin).Round(time.Millisecond))
		}
		tried <- err
	}()
	select {
	case <-loaded:
	case err := <-tried:
		if err != nil {
			return nil, err
		}
		tried <- nil
	}
	model, err := library.Load(ctx, path, cfg)
	if failed := <-tried; failed != nil && err == nil {
		return nil, errors.Join(failed, model.Close())
	}
	return model, err
}

// loadUnverified is loadVerified for who knows the file.
func loadUnverified(ctx context.Context, library *llama.Library, path string, cfg engine.ModelConfig, _ *slog.Logger) (engine.Model, error) {
	return library.Load(ctx, path, cfg)
}

// watchModel returns a context that also ends if the files of a model change
// under it, for engines that can tell. unchanged ends the watch and returns why
// it had ended.
func watchModel(ctx context.Context, model engine.Model) (watched context.Context, unchanged func() error) {
	watcher, ok := model.(interface{ Watch(context.Context) error })
	if !ok {
		return ctx, func() error { return nil }
	}
	watched, cancel := context.WithCancel(ctx)
	found := make(chan error, 1)
	go func() {
		err := watcher.Watch(watched)
		if err != nil {
			cancel()
		}
		found <- err
	}()
	return watched, func() error {
		cancel()
		return <-found
	}
}
