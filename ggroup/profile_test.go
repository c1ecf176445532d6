package ggroup_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

// A CPU profile can be split by group: its samples have the label ggroup.
func TestGroupsInCPUProfile(t *testing.T) {
	names := []string{"computes-tokens", "computes-metrics"}
	var stop atomic.Bool
	defer stop.Store(true)
	var turns [2]atomic.Int64
	for i, name := range names {
		ggroup.BindTo(open(t, name), func() {
			for !stop.Load() {
				turns[i].Add(1)
			}
		})
	}
	for { // until both were there when a sample was taken
		var profile bytes.Buffer
		if err := pprof.StartCPUProfile(&profile); err != nil {
			t.Skipf("not supported: %v", err)
		}
		for i := range turns { // some samples of 10 ms
			for from := turns[i].Load(); turns[i].Load() < from+1e7; {
				ggroup.Yield()
			}
		}
		pprof.StopCPUProfile()
		unpacked, err := gzip.NewReader(&profile)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(content); strings.Contains(text, "ggroup") && strings.Contains(text, names[0]) && strings.Contains(text, names[1]) {
			return
		}
	}
}
