package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/internal/version"
)

// The engine's threads and Go's together must not outnumber the cores. On our
// toolchain the scheduler sees to it for the time of a decode, in which the
// engine's goroutine is in a group of its own for that. Stock Go cannot, so
// there the two are told apart once and for all, by GOMAXPROCS.

// coresVariable is the environment variable that leaves both alone, to compare.
const coresVariable = "WEIR_CORES"

// coresShared reports whether the cores are to be shared out.
func coresShared() (bool, error) {
	switch v := os.Getenv(coresVariable); v {
	case "", "shared":
		return true, nil
	case "free":
		return false, nil
	default:
		return false, fmt.Errorf("environment variable %s is %q: give shared, free, or nothing", coresVariable, v)
	}
}

// mostThreads is the most threads that a decode computes on.
func (o *options) mostThreads() int {
	threads := o.threads
	if threads == 0 {
		threads = llama.DefaultThreads()
	}
	return max(threads, o.batchThreads)
}

// cores are the groups whose calls of the library compute. Both are nil if
// nothing is to have cores of its own.
type cores struct {
	decoding   *ggroup.Group // of the engine's goroutine, for the time of a decode
	tokenizing *ggroup.Group // of a connection's, for the time of a piece of text

	// GOMAXPROCS before it was lowered, and since; 0: it was not.
	before, spare int
}

// shareCores sets GOMAXPROCS on stock Go, unless the environment does, and opens
// the groups.
func shareCores(o *options) (c cores, err error) {
	shared, err := coresShared()
	if err != nil || !shared {
		return c, err
	}
	if !version.Groups && os.Getenv("GOMAXPROCS") == "" {
		before, spare := runtime.GOMAXPROCS(0), llama.SpareCores(o.mostThreads())
		if spare < before {
			runtime.GOMAXPROCS(spare)
			c.before, c.spare = before, spare
		}
	}
	if c.decoding, err = openDecoding(o.mostThreads()); err != nil {
		return cores{}, err
	}
	if c.tokenizing, err = ggroup.Open("tokenize", ggroup.WithCompute(1)); err != nil {
		return cores{}, errors.Join(fmt.Errorf("open goroutine group: %w", err), closeGroup(c.decoding))
	}
	return c, nil
}

// openDecoding opens the group of decodes that compute on so many threads.
func openDecoding(threads int) (*ggroup.Group, error) {
	group, err := ggroup.Open("decode", ggroup.WithClass(ggroup.Latency), ggroup.WithCompute(min(threads, ggroup.MaxCompute)))
	if err != nil {
		return nil, fmt.Errorf("open goroutine group: %w", err)
	}
	return group, nil
}

// say logs what became of GOMAXPROCS.
func (c cores) say(o *options, log *slog.Logger) {
	if c.spare != 0 {
		log.Info("Go runs on the cores that the engine's threads leave: set GOMAXPROCS for another share",
			"engine_threads", o.mostThreads(), "GOMAXPROCS", c.spare, "before", c.before)
	}
}

// close waits until nobody computes.
func (c cores) close() error { return errors.Join(closeGroup(c.decoding), closeGroup(c.tokenizing)) }

// threadsHelp says in the help of -t what becomes of Go's threads.
var threadsHelp = func() string {
	if version.Groups {
		return "Go's leave these their cores while a decode lasts"
	}
	return "Go gets the others, one at least, unless GOMAXPROCS is set"
}()
