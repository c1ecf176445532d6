// Command neighbour measures what groups cost those outside of them.
//
//	neighbour -part=process
//	neighbour -part=serve -stock=stock/weir -weir=build/bin/weir
//
// In one process (process.go): goroutines of no group do one thing (rows.go)
// without a group and beside each kind of group (groups.go), in short slices
// that take turns.
//
// The server (serve.go): two builds of it, of the same source, answer the same
// short requests in turns.
package main

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/neighbour"
)

var (
	part       = flag.String("part", "process", "what is measured: process or serve")
	processors = flag.Int("procs", 2, "GOMAXPROCS")
	warm       = flag.Duration("warm", 5*time.Millisecond, "work before each slice that is not counted")

	rowNames   = flag.String("rows", "echo1,echo16,echo256,gosched,channel,mutex,timers,http16", "what goroutines of no group do")
	groupNames = flag.String("groups", "empty,parked,quota,counting,busy", "groups beside them")
	times      = flag.Int("times", 4, "slices of each row beside each group")
	slice      = flag.Duration("slice", 25*time.Millisecond, "length of a slice")
	busyEvery  = flag.Duration("busy-every", 2*time.Millisecond, "time between two beginnings of the busy group's work")
	busyShare  = flag.Float64("busy-share", 0.1, "part of that time for which it computes")

	stock       = flag.String("stock", "", "the server's `binary` that stock Go built")
	weir        = flag.String("weir", "build/bin/weir", "the server's `binary` that our Go built")
	model       = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	connections = flag.String("connections", "1,16,256", "`numbers` of clients that ask, each again once it has its answer")
	serveTimes  = flag.Int("serve-times", 12, "slices of each server with each number")
	serveSlice  = flag.Duration("serve-slice", 60*time.Millisecond, "length of such a slice")
)

func main() { sample.Main(neighbour.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *processors < 1 || *times < 1 || *serveTimes < 1 {
		return errors.New("procs, times and serve-times must be positive")
	}
	if *warm < 0 || *slice <= 0 || *serveSlice <= 0 || *busyEvery <= 0 || *busyShare < 0 || *busyShare > 1 {
		return errors.New("slice, serve-slice and busy-every must be positive, warm at least 0, busy-share from 0 to 1")
	}
	runtime.GOMAXPROCS(*processors)
	switch *part {
	case "process":
		return measureProcess(r)
	case "serve":
		return measureServers(r)
	}
	return fmt.Errorf("-part=%q is neither process nor serve", *part)
}
