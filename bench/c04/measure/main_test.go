package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c04"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMain lets this binary be the echo's client, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == clientCommand {
		if err := client(os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestMeasure runs every part, small and short.
func TestMeasure(t *testing.T) {
	*counts, *hogs, *members = "20", "0,2", 5
	*window, *echoWindow, *saturatedWindow = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	*echoPerHog = time.Millisecond
	*interval, *starvedAt = 10*time.Millisecond, time.Hour
	r := sample.NewRecorder(c04.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for name, least := range map[string]float64{
		// Each due time counts, however late: 5 goroutines, 10 ms of 50.
		"sleep20/inference_count": 25, "cpu20/inference_count": 25,
		"echo0/roundtrip_count": 1, "echo2/arrival_count": 1, "echo2/roundtrip_open_count": 1,
		"saturated/latency_share": 0, "saturated/oldest_wait_ms": 0, "sleep20/crowd_mean_ms": 0,
	} {
		if value, ok := got[name]; !ok || value < least {
			t.Errorf("%s is %v (measured: %v), want %v at least", name, value, ok, least)
		}
	}
	if got["cpu20/inference_starved_share"] != 0 {
		t.Error("somebody waited for more than an hour")
	}
	if sum := got["saturated/latency_share"] + got["saturated/normal_share"] + got["saturated/background_share"]; sum < 0.999 || sum > 1.001 {
		t.Errorf("the shares add up to %v", sum)
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{{}, {"-address=[::1]:80"}, {"-address=nowhere"}, {"-window=x"}, {"-address=127.0.0.1:1", "-raise=false"}} {
		if err := client(args, io.Discard); err == nil {
			t.Errorf("client %s: no error", strings.Join(args, " "))
		}
	}
}
