package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c07"
	"github.com/weirgo/weir/bench/c07/internal/ringtest"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMain lets the test's own binary be the server.
func TestMain(m *testing.M) {
	if served, err := serve(os.Args[1:]); served {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

func TestEveryArmServesEveryToken(t *testing.T) {
	ringtest.Require(t)
	*streams, *posts, *seconds, *stuck, *shortest = "1,7,100", "1,5", 0.02, 3, 2*time.Millisecond
	*fileMiB = 2
	for name := range arms {
		t.Run(name, func(t *testing.T) {
			*armName = name
			r := sample.NewRecorder(c07.Experiment)
			if err := measure(r); err != nil {
				t.Fatal(err)
			}
			found := r.Measurements()
			if found["errors"] != 0 {
				t.Errorf("%v streams failed", found["errors"])
			}
			for _, cell := range []string{"streams1/", "streams7/", "streams100/"} {
				for _, what := range []string{"cpu_us_per_token", "inter_token_p50_us"} {
					if found[cell+what] <= 0 {
						t.Errorf("%s%s is %v", cell, what, found[cell+what])
					}
				}
			}
			if name == "fanout" {
				if found["posts5/per_second"] <= 0 || found["stuck/inter_token_p50_us"] <= 0 {
					t.Errorf("posts or the stuck client are missing: %v", found)
				}
				for _, what := range []string{"files/rate_vs_dd", "ends/close_to_fin_ms", "ends/cancelled_read_ms"} {
					if found[what] <= 0 {
						t.Errorf("%s is %v", what, found[what])
					}
				}
			}
		})
	}
}

func TestBadFlags(t *testing.T) {
	for _, test := range []struct{ arm, streams string }{{"kqueue", "1"}, {"floor", "1"}, {"append", "0"}, {"append", "many"}, {"append", "100000"}} {
		*armName, *streams = test.arm, test.streams
		if err := measure(sample.NewRecorder(c07.Experiment)); err == nil {
			t.Errorf("%+v: no error", test)
		}
	}
}
