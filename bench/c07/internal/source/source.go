package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// arm is a way to serve streams.
type arm interface {
	// start serves streams on a port of 127.0.0.1 and returns its address.
	start(s *source) (address string, err error)
	// flush ends a step: all tokens have been given.
	flush()
	// pause sleeps between two steps.
	pause(d time.Duration)
	// ring is the number of io_uring_enter calls so far, and of requests
	// submitted by them.
	ring() (enters, sends uint64)
}

var arms = map[string]func() arm{
	"idiomatic": func() arm { return &handlers{frames: marshalFrames} },
	"append":    func() arm { return &handlers{frames: appendFrames} },
	"fanout":    func() arm { return new(fanned) },
	"floor":     func() arm { return new(floor) },
}

// serve is the server's process. It prints its address, serves the cell, prints
// what it found, and ends when its input does.
func serve(args []string) error {
	flags := flag.NewFlagSet(serveRole, flag.ContinueOnError)
	name := flags.String("arm", "", "")
	answers := flags.Bool("posts", false, "")
	size := flags.Int("streams", 0, "")
	withStuck := flags.Bool("stuck", false, "")
	var p plan
	flags.DurationVar(&p.step, "step", 0, "")
	flags.IntVar(&p.counted, "counted", 0, "")
	flags.IntVar(&p.traced, "traced", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p.warm = warmSteps
	go func() { // the parent is gone, or done with this process
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if *answers {
		return servePosts(*name)
	}
	a := arms[*name]()
	s := newSource(a, cell{size: *size, stuck: *withStuck}, p)
	before := residentBytes() // before there is any connection
	address, err := a.start(s)
	if err != nil {
		return err
	}
	fmt.Println(address)
	result := s.run(before)
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return err
	}
	select {} // until the input ends
}

// listenLocal takes a free port.
func listenLocal(listen func(network, address string) (net.Listener, error)) (net.Listener, error) {
	return listen("tcp", "127.0.0.1:0")
}

// outlet is one stream as the source sees it.
type outlet interface {
	token(text []byte)
	finish()
}

// source gives every stream a token in each step.
type source struct {
	arm     arm
	cell    cell
	plan    plan
	joined  chan outlet
	outlets []outlet
	late    int
}

func newSource(a arm, c cell, p plan) *source {
	n := c.size
	if c.stuck {
		n++
	}
	return &source{arm: a, cell: c, plan: p, joined: make(chan outlet, n), outlets: make([]outlet, 0, n)}
}

// words are the tokens' texts.
var words = [][]byte{[]byte(" the"), []byte(" quick"), []byte(" brown"), []byte(" fox"), []byte(" jumps"), []byte(" over"), []byte(" a"), []byte(" dog")}

// run waits until all streams are there and serves the plan.
func (s *source) run(before int64) served {
	for len(s.outlets) < cap(s.outlets) {
		s.outlets = append(s.outlets, <-s.joined)
	}
	var r served
	s.steps(s.plan.warm)
	s.arm.pause(s.plan.step) // let what is under way end
	r.IdleBytes = (residentBytes() - before) / int64(len(s.outlets))

	s.steps(1) // what the collection emptied fills again
	from := readCounters(s.arm)
	s.steps(s.plan.counted - 1)
	r.charge(from, readCounters(s.arm))
	r.Tokens = (s.plan.counted - 1) * len(s.outlets)
	r.LateSteps = s.late

	tracer, err := traceSyscalls()
	if err != nil {
		r.NoSyscalls = err.Error()
	}
	s.steps(s.plan.traced)
	r.Traced = s.plan.traced * len(s.outlets)
	if err == nil {
		r.Syscalls = tracer.stop()
	}
	for _, o := range s.outlets {
		o.finish()
	}
	s.arm.flush()
	return r
}

// steps runs n steps at the plan's pace.
func (s *source) steps(n int) {
	due := time.Now()
	for i := range n {
		text := words[i%len(words)]
		for _, o := range s.outlets {
			o.token(text)
		}
		s.arm.flush()
		due = due.Add(s.plan.step)
		if wait := time.Until(due); wait > 0 {
			s.arm.pause(wait)
		} else {
			s.late++
			due = time.Now()
		}
	}
}
