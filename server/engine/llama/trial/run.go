package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/server/engine"
)

// Depth is how much of a model is tried.
type Depth int

// Depths.
const (
	OfVocabulary Depth = iota // metadata and vocabulary: milliseconds
	OfWeights                 // and a load of all weights, and a few tokens computed
	OfEverything              // and the library looks at every weight for numbers that are none
)

// Command is the command line, after the program, that is answered by [Child].
var Command = []string{"models", "try"}

// Config says how a model is tried. The zero value of a field takes its default.
type Config struct {
	// Library is the directory of the engine library.
	Library string
	Depth   Depth
	// Model is how the model will be loaded: GPULayers and NoMemoryMap count.
	Model engine.ModelConfig
	// Loaded, if not nil, is called once when the child has loaded all of the
	// model and only computes, or by Verify for a model seen before: what a child
	// has done can be done by others now. It is not called where the child holds
	// weights of its own, as memory may not do for two. It must not block.
	Loaded func()
	// TimeLimit ends a child that takes longer: one that hangs. Default a
	// minute, and a second for each 16 MiB of the model, which a slow disk takes.
	TimeLimit time.Duration
	// MemoryBytes bounds what the child takes beside the mapped file. Default
	// twice the model's size, for weights rearranged for a CPU and those read
	// instead of mapped, and 4 GiB.
	MemoryBytes uint64
}

// ErrNoChild: the machine gives no child process, for want of descriptors or
// processes, or by a rule. Nothing is known of the model then.
var ErrNoChild = errors.New("cannot start a child process")

const (
	baseTimeLimit   = time.Minute
	bytesPerSecond  = 16 << 20
	baseMemoryBytes = 4 << 30
)

func (c Config) withDefaults(sizeBytes int64) Config {
	if c.TimeLimit == 0 {
		c.TimeLimit = baseTimeLimit + time.Duration(sizeBytes/bytesPerSecond)*time.Second
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = 2*uint64(sizeBytes) + baseMemoryBytes
	}
	return c
}

// program is what the child runs: this very program, also if its file has been
// replaced or removed.
const program = "/proc/self/exe"

// Run tries the model of sizeBytes at path in a child process. The error is one
// sentence that names the file; it wraps ctx's error if that ended the trial, or
// [ErrNoChild]. When Run returns the child is gone.
func Run(ctx context.Context, path string, sizeBytes int64, cfg Config) error {
	cfg = cfg.withDefaults(sizeBytes)
	limited, cancel := context.WithTimeout(ctx, cfg.TimeLimit)
	defer cancel()
	command := exec.CommandContext(limited, program, Command...)
	// No stack of goroutines, no debugger: the last words are looked for.
	command.Env = append(os.Environ(), "GOTRACEBACK=none", "GGML_NO_BACKTRACE=1")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for the parent alone
	command.WaitDelay = time.Second
	said, last := &transcript{doing: "starting", loaded: cfg.Loaded}, &tail{}
	command.Stdout, command.Stderr = said, last
	orders, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return fmt.Errorf("trial: %s: %w: %w", path, ErrNoChild, err)
	}
	// Standard input stays open: the child lives as long. A child that is dead
	// already is heard of below.
	_ = json.NewEncoder(orders).Encode(order{
		Library: cfg.Library, Path: path, Depth: cfg.Depth, MemoryBytes: cfg.MemoryBytes,
		GPULayers: cfg.Model.GPULayers, NoMemoryMap: cfg.Model.NoMemoryMap,
	})
	err = command.Wait()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("trial: %s: %w", path, ctx.Err())
	case limited.Err() != nil:
		err = fmt.Errorf("gives no answer within %v", cfg.TimeLimit)
	}
	return verdict(path, said, err, command.ProcessState, last)
}

// verdict makes one sentence of what the child said and how it ended.
func verdict(path string, said *transcript, ended error, state *os.ProcessState, last *tail) error {
	switch {
	case strings.Contains(said.failure, path):
		return fmt.Errorf("trial: %s", said.failure)
	case said.failure != "":
		return fmt.Errorf("trial: %s: %s", path, said.failure)
	case said.done && ended == nil:
		return nil
	}
	death, lastWords := last.words()
	remedy := "the file is damaged, or this library cannot serve it: download or convert it again"
	switch status, _ := state.Sys().(syscall.WaitStatus); {
	case ended != nil && !errors.As(ended, new(*exec.ExitError)):
		death = ended.Error()
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		death, remedy = "was killed, as happens where memory is short", "free memory, or use a smaller model"
	case status.Signaled():
		death = "died of " + status.Signal().String()
	case death == "":
		death = fmt.Sprintf("ended with status %d", state.ExitCode())
	}
	if slices.ContainsFunc(noThreads, func(said string) bool { return strings.Contains(lastWords, said) }) {
		remedy = "raise the limit of processes and threads (ulimit -u)"
	}
	if lastWords != "" {
		lastWords = "; its last words: " + lastWords
	}
	return fmt.Errorf("trial: %s: the engine library %s while %s%s; %s", path, death, said.doing, lastWords, remedy)
}
