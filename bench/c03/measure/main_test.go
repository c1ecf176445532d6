package main

import (
	"testing"

	"github.com/weirgo/weir/bench/c03"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMeasure runs every part, small and short.
func TestMeasure(t *testing.T) {
	defer func(c, p, n int) { *calls, *passes, *tokens = c, p, n }(*calls, *passes, *tokens)
	*calls, *passes, *tokens = 3, 2, 20
	r := sample.NewRecorder(c03.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for _, name := range []string{"event/protobuf/encode_ns", "scored/json/decode_ns", "answer/served/size_bytes", "answer/encode_times_writer", "event/reflected/decode_allocs"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if p, j := got["event/protobuf/size_bytes"], got["event/json/size_bytes"]; p >= j {
		t.Errorf("protobuf takes %v bytes, JSON %v", p, j)
	}
}
