package sample

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/experiment"
)

var metrics = []experiment.Metric{{Name: "{alone,of{turns}}/time_ns", Text: "a turn"}}

// TestPlanIsPrinted: what would be measured is known before anything is.
func TestPlanIsPrinted(t *testing.T) {
	flags := flag.NewFlagSet("child", flag.ContinueOnError)
	flags.String("turns", "3,7", "")
	var out bytes.Buffer
	err := run(&out, flags, metrics, true, func(*Recorder) error {
		t.Error("it measured")
		return nil
	})
	var plan experiment.Plan
	if err = errors.Join(err, json.Unmarshal(out.Bytes(), &plan)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alone/time_ns", "of3/time_ns", "of7/time_ns"} {
		if !plan.Knows(name) {
			t.Errorf("%s is not in the plan: %v", name, plan)
		}
	}
	if err := run(&out, flags, []experiment.Metric{{Name: "of{streams}/x"}}, true, nil); err == nil {
		t.Error("a metric of a flag that the command does not have was taken")
	}
}

func TestRunPrintsFlagsAndMeasurements(t *testing.T) {
	flags := flag.NewFlagSet("child", flag.ContinueOnError)
	flags.String("turns", "10", "")
	flags.String("model", "tiny", "")
	if err := flags.Parse([]string{"-turns=3"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(&out, flags, metrics, false, func(r *Recorder) error {
		r.Set("alone/time_ns", 1.5)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Params       map[string]string
		Measurements map[string]float64
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Params, map[string]string{"turns": "3", "model": "tiny"}) || got.Measurements["alone/time_ns"] != 1.5 {
		t.Errorf("printed %s", out.String())
	}
}

func TestRunPrintsNothingOnErrors(t *testing.T) {
	flags := flag.NewFlagSet("child", flag.ContinueOnError)
	failure := errors.New("no engine")
	var out bytes.Buffer
	if err := run(&out, flags, nil, false, func(*Recorder) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("error is %v", err)
	}
	if err := flags.Parse([]string{"stray"}); err != nil {
		t.Fatal(err)
	}
	if err := run(&out, flags, nil, false, func(*Recorder) error { return nil }); err == nil {
		t.Error("a stray argument was taken")
	}
	if out.Len() > 0 {
		t.Errorf("printed %s", out.String())
	}
}

func TestSetRefusesNonsense(t *testing.T) {
	for name, set := range map[string]func(*Recorder){
		"twice":      func(r *Recorder) { r.Set("a", 1); r.Set("a", 1) },
		"no number":  func(r *Recorder) { r.Set("a", math.NaN()) },
		"infinite":   func(r *Recorder) { r.Set("a", math.Inf(1)) },
		"undeclared": func(r *Recorder) { r.Set("b", 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			set(NewRecorder(experiment.Declaration{Metrics: []experiment.Metric{{Name: "a"}}}))
		}()
	}
}

func TestCounts(t *testing.T) {
	if got, err := Counts("hogs", "0,1,64", 0, 64); err != nil || !slices.Equal(got, []int{0, 1, 64}) {
		t.Errorf("parsed %v, %v", got, err)
	}
	if got, err := Counts("hogs", "", 1, 64); err != nil || len(got) > 0 {
		t.Errorf("an empty list: %v, %v", got, err)
	}
	for _, list := range []string{"0", "-1", "65", "1,,2", "1,", "x"} {
		if got, err := Counts("hogs", list, 1, 64); err == nil {
			t.Errorf("%q: %v", list, got)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{2: {3, 1, 2}, 1.5: {2, 1}, 7: {7}} {
		if got := Median(values); got != want {
			t.Errorf("Median(%v) = %v", values, got)
		}
	}
}

func TestProcessCPU(t *testing.T) {
	before, err := ProcessCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begin, x := time.Now(), 0; ; x++ {
		after, err := ProcessCPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			return // the loop's own work showed up
		}
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("no CPU time in 30 s of work, %d reads", x)
		}
	}
}

func TestProcessClock(t *testing.T) {
	before, err := ProcessClock(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after, err := ProcessClock(os.Getpid())
	if err != nil || before <= 0 || after <= before {
		t.Errorf("%v, then %v, %v", before, after, err)
	}
}

func TestProcessMemory(t *testing.T) {
	if err := ResetPeak(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	before, err := ProcessMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	touched, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Munmap(touched); err != nil {
		t.Fatal(err)
	}
	after, err := ProcessMemory(os.Getpid())
	if err != nil || after.PeakBytes < before.ResidentBytes+size/2 || after.PeakBytes < after.ResidentBytes {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
}

func TestProcessOfNobody(t *testing.T) {
	const nobody = 1 << 22 // the kernel's limit of process numbers
	if _, err := ProcessCPU(nobody); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if _, err := ProcessMemory(nobody); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if _, err := ProcessClock(nobody); err == nil {
		t.Error("a clock of no process")
	}
}
