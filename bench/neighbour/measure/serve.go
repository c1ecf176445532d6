package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/exchange"
	"github.com/weirgo/weir/bench/internal/paired"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// tokenize is the short request.
var tokenize = exchange.Post("/tokenize", `{"content":"Once upon a time there was a little dog."}`)

// measureServers has both servers answer in turns.
func measureServers(r *sample.Recorder) (err error) {
	counts, err := sample.Counts("connections", *connections, 1, 4096)
	if err != nil {
		return err
	}
	if *stock == "" {
		return errors.New("-stock must name a server's binary")
	}
	var servers [2]*served.Server
	for i, binary := range []string{*stock, *weir} {
		if servers[i], err = served.Start(context.Background(), served.Config{
			Binary: binary, Args: []string{"-m", *model},
			// Else the server leaves the engine's cores alone on stock Go, for good:
			// one processor for Go, which short requests like best.
			Env: []string{"GOMAXPROCS=" + strconv.Itoa(*processors)},
		}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, servers[i].Stop()) }()
	}
	for _, n := range counts {
		outcomes, err := compareServers(servers, n)
		if err != nil {
			return fmt.Errorf("%d connections: %w", n, err)
		}
		name := fmt.Sprintf("tokenize%d", n)
		for side, o := range outcomes {
			r.Set(name+"/"+side+"_per_s", o.PerSecond)
			r.Set(name+"/"+side+"_cpu_us", float64(o.CPU)/float64(time.Microsecond))
		}
		r.Set(name+"/rate_ratio", outcomes["weir"].Rate)
		r.Set(name+"/cpu_ratio", outcomes["weir"].CPUCost)
	}
	return nil
}

// compareServers asks each over n connections.
func compareServers(servers [2]*served.Server, n int) (outcomes map[string]paired.Outcome, err error) {
	var sides []paired.Side
	for i, name := range []string{"stock", "weir"} {
		s := servers[i]
		clients, dialErr := exchange.Dial("tcp", strings.TrimPrefix(s.URL, "http://"), n, tokenize, 0)
		if dialErr != nil {
			return nil, fmt.Errorf("%s: %w", name, dialErr)
		}
		defer func() { err = errors.Join(err, clients.Close()) }()
		load := paired.Load{Workers: n, Step: clients.Step, CPU: func() (time.Duration, error) { return sample.ProcessClock(s.PID) }}
		sides = append(sides, paired.Side{Name: name, Measure: func() (paired.Slice, error) { return load.Run(*warm, *serveSlice) }})
	}
	return paired.Compare(sides[0], sides[1:], *serveTimes)
}
