// Command manycores measures wake-ups on 2, 4, 8, and 16 processors, as far as
// the machine has them.
//
// Pairs: a pair of goroutines a processor, which wake each other over channels.
// A pair tends to stay on its processor. Ring: eight goroutines a processor, in
// one ring, and a token a processor, so that wake-ups cross from one processor
// to another. A hop is one wake-up.
//
// Each is measured without a group, in one that only counts, and in one of the
// latency class, whose members pass through the scheduler's lock. The mutex
// profile, with the runtime's locks in it, goes to -profiles if that is given.
// A runtime that counts what happens to sched.lock (schedLock in lock.go) adds
// that; no toolchain does by itself.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/manycores"
	"github.com/weirgo/weir/ggroup"
)

const procsMax = 1024

var (
	procs    = flag.String("procs", upTo(runtime.NumCPU()), "GOMAXPROCS, from few to many")
	window   = flag.Duration("window", time.Second, "time for which each is measured")
	profiles = flag.String("profiles", "", "folder for mutex profiles")
	_        = flag.String("counted", counted(), "sched if the runtime counts what happens to sched.lock")
)

// upTo lists 2, 4, 8 and 16, as far as there are cores.
func upTo(cores int) string {
	list := []string{"2"}
	for n := 4; n <= min(cores, 16); n *= 2 {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, ",")
}

func main() { sample.Main(manycores.Experiment, measure) }

func measure(r *sample.Recorder) error {
	counts, err := sample.Counts("procs", *procs, 1, procsMax)
	if err != nil {
		return err
	}
	if len(counts) == 0 || *window <= 0 {
		return errors.New("procs must name one number at least, and window must be positive")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, shape := range shapes {
		for _, kind := range kinds {
			var perProc []float64
			for _, n := range counts {
				rate, err := one(r, n, shape, kind)
				if err != nil {
					return err
				}
				perProc = append(perProc, rate)
			}
			r.Set(fmt.Sprintf("scaling/%s/%s", shape.name, kind.name), perProc[len(perProc)-1]/perProc[0])
		}
	}
	return nil
}

// kind is the group that is measured in; options are nil for none.
type kind struct {
	name    string
	options []ggroup.Option
}

var kinds = []kind{
	{"none", nil},
	{"counts", []ggroup.Option{ggroup.WithClass(ggroup.Normal)}},
	{"latency", []ggroup.Option{ggroup.WithClass(ggroup.Latency)}},
}

// one measures one shape in one kind of group on n processors, and returns the
// hops a second and processor.
func one(r *sample.Recorder, n int, shape shape, kind kind) (rate float64, err error) {
	runtime.GOMAXPROCS(n)
	start := func(f func()) { go f() }
	var group *ggroup.Group
	if kind.options != nil {
		if group, err = ggroup.Open("hops", kind.options...); err != nil {
			return 0, err
		}
		start = func(f func()) { ggroup.BindTo(group, f) }
	}
	name := fmt.Sprintf("%d/%s/%s", n, shape.name, kind.name)
	if *profiles != "" {
		defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(10))
	}
	run := shape.start(n, start)
	time.Sleep(*window / 10) // until all are on their way
	before, hops, waits, locks := time.Now(), run.hops(), lockWaits(), schedLock()
	var ready ggroup.Wait
	if group != nil {
		ready = group.Stats().Wait
	}
	time.Sleep(*window)
	took, done := time.Since(before), float64(max(run.hops()-hops, 1))
	waited, locked := lockWaits()-waits, schedLock().sub(locks)
	if group != nil {
		after := group.Stats().Wait
		delta := after.Sub(&ready)
		r.Set(name+"/ready_ns_per_hop", float64(delta.Sum.Nanoseconds())/done)
	}
	run.stop()
	if group != nil {
		err = crowd.Shutdown(group)
	}
	rate = done / took.Seconds() / float64(n)
	r.Set(name+"/hops_per_s_per_proc", rate)
	r.Set(name+"/lock_wait_ns_per_hop", waited*1e9/done)
	locked.record(r, "sched/"+name, done)
	return rate, errors.Join(err, profile(name))
}

// lockWaits returns the seconds that goroutines and the runtime have waited for
// locks.
func lockWaits() float64 {
	read := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(read)
	return read[0].Value.Float64()
}

// profile writes the mutex profile so far, if that is asked for.
func profile(name string) error {
	if *profiles == "" {
		return nil
	}
	file, err := os.Create(filepath.Join(*profiles, strings.ReplaceAll(name, "/", "-")+".mutex.pb.gz"))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("mutex").WriteTo(file, 0), file.Close())
}
