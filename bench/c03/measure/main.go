// Command c03 measures what it takes to encode and to decode a token event, one
// with log-probabilities, and a whole answer: as protobuf, by vtprotobuf's code and
// by google.golang.org/protobuf, and as JSON, by encoding/json and by the server's
// own writer. For each it gives the median pass's time of a call, allocations, and
// the size of what comes out.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/c03"
	"github.com/weirgo/weir/bench/internal/sample"
)

var (
	calls  = flag.Int("calls", 2000, "calls in a pass")
	passes = flag.Int("passes", 30, "passes of each cell; the median counts")
	tokens = flag.Int("tokens", 256, "tokens of a whole answer")
	top    = flag.Int("top", 5, "likeliest tokens at the place of one with log-probabilities")
)

func main() { sample.Main(c03.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *calls < 1 || *passes < 1 || *tokens < 1 || *top < 0 {
		return fmt.Errorf("calls, passes and tokens must be positive, and top not negative")
	}
	for _, s := range subjects() {
		if err := s.measure(r); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// coder is a way to encode a subject, and to decode it if decode is not nil.
// Encode appends to dst.
type coder struct {
	name   string
	encode func(dst []byte) ([]byte, error)
	decode func(encoded []byte) error
	sized  bool // its size is of interest
}

// subject is what is encoded.
type subject struct {
	name   string
	coders []coder
}

// measure measures all coders, in turns, so that what disturbs one disturbs all.
func (s *subject) measure(r *sample.Recorder) error {
	encoded := make([][]byte, len(s.coders))
	costs := map[string][]cost{}
	for range *passes {
		for i, c := range s.coders {
			buffer := encoded[i]
			one, err := costOf(func() (err error) {
				buffer, err = c.encode(buffer[:0])
				return err
			})
			if err != nil {
				return fmt.Errorf("encode %s: %w", c.name, err)
			}
			encoded[i] = buffer
			costs[c.name+"/encode"] = append(costs[c.name+"/encode"], one)
			if c.decode == nil {
				continue
			}
			if one, err = costOf(func() error { return c.decode(buffer) }); err != nil {
				return fmt.Errorf("decode %s: %w", c.name, err)
			}
			costs[c.name+"/decode"] = append(costs[c.name+"/decode"], one)
		}
	}
	for i, c := range s.coders {
		if c.sized {
			r.Set(s.name+"/"+c.name+"/size_bytes", float64(len(encoded[i])))
		}
	}
	ns := map[string]float64{}
	for what, all := range costs {
		ns[what] = median(all, func(c cost) float64 { return c.ns })
		r.Set(s.name+"/"+what+"_ns", ns[what])
		r.Set(s.name+"/"+what+"_allocs", median(all, func(c cost) float64 { return c.allocs }))
		r.Set(s.name+"/"+what+"_alloc_bytes", median(all, func(c cost) float64 { return c.bytes }))
	}
	for _, what := range []string{"encode", "decode"} {
		r.Set(s.name+"/"+what+"_times_json", ns["json/"+what]/ns["protobuf/"+what])
	}
	r.Set(s.name+"/encode_times_writer", ns["writer/encode"]/ns["served/encode"])
	return nil
}

// cost is of one call, the mean of a pass.
type cost struct{ ns, allocs, bytes float64 }

func costOf(call func() error) (cost, error) {
	if err := call(); err != nil { // buffers grow, caches fill
		return cost{}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for range *calls {
		if err := call(); err != nil {
			return cost{}, err
		}
	}
	elapsed := time.Since(begin)
	runtime.ReadMemStats(&after)
	n := float64(*calls)
	return cost{
		ns: float64(elapsed.Nanoseconds()) / n, allocs: float64(after.Mallocs-before.Mallocs) / n,
		bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, nil
}

func median(all []cost, of func(cost) float64) float64 {
	values := make([]float64, len(all))
	for i, c := range all {
		values[i] = of(c)
	}
	return sample.Median(values)
}
