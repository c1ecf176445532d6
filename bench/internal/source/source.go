package source

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Arm is a way to serve streams.
type Arm interface {
	// Start serves streams on a port of 127.0.0.1 and returns its address. It
	// joins each stream to the source.
	Start(s *Source) (address string, err error)
	// Flush ends a step: all tokens have been given.
	Flush()
	// Pause sleeps between two steps.
	Pause(d time.Duration)
	// Ring is the number of io_uring_enter calls so far, and of requests
	// submitted by them.
	Ring() (enters, sends uint64)
}

// Serve is the server's process. It prints its address, serves the cell that
// the arguments describe, prints what it found, and ends when its input does.
func Serve(a Arm, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	var c Cell
	flags.IntVar(&c.Size, "streams", 0, "")
	flags.BoolVar(&c.Stuck, "stuck", false, "")
	p := Plan{Warm: warmSteps}
	flags.DurationVar(&p.Step, "step", 0, "")
	flags.IntVar(&p.Counted, "counted", 0, "")
	flags.IntVar(&p.Traced, "traced", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	EndWithInput()
	s := newSource(a, c, p)
	address, err := a.Start(s)
	if err != nil {
		return err
	}
	before := residentBytes() // before there is any connection
	fmt.Println(address)
	result := s.run(before)
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return err
	}
	select {} // until the input ends
}

// Arguments are those that Serve takes for a cell and its plan.
func Arguments(c Cell, p Plan) []string {
	return []string{
		fmt.Sprintf("-streams=%d", c.Size), fmt.Sprintf("-stuck=%v", c.Stuck), "-step=" + p.Step.String(),
		fmt.Sprintf("-counted=%d", p.Counted), fmt.Sprintf("-traced=%d", p.Traced),
	}
}

// EndWithInput ends this process when its input ends: the parent is gone, or
// done with it.
func EndWithInput() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

// ListenLocal takes a free port.
func ListenLocal(listen func(network, address string) (net.Listener, error)) (net.Listener, error) {
	return listen("tcp", "127.0.0.1:0")
}

// Outlet is one stream as the source sees it.
type Outlet interface {
	Token(text []byte)
	Finish()
}

// Source gives every stream a token in each step.
type Source struct {
	arm     Arm
	plan    Plan
	joined  chan Outlet
	outlets []Outlet
	late    int
}

func newSource(a Arm, c Cell, p Plan) *Source {
	n := c.Size
	if c.Stuck {
		n++
	}
	return &Source{arm: a, plan: p, joined: make(chan Outlet, n), outlets: make([]Outlet, 0, n)}
}

// Join adds a stream, once.
func (s *Source) Join(o Outlet) { s.joined <- o }

// Streams is how many streams the source waits for.
func (s *Source) Streams() int { return cap(s.joined) }

// words are the tokens' texts.
var words = [][]byte{[]byte(" the"), []byte(" quick"), []byte(" brown"), []byte(" fox"), []byte(" jumps"), []byte(" over"), []byte(" a"), []byte(" dog")}

// run waits until all streams are there and serves the plan.
func (s *Source) run(before int64) Served {
	for len(s.outlets) < cap(s.outlets) {
		s.outlets = append(s.outlets, <-s.joined)
	}
	var r Served
	s.steps(s.plan.Warm)
	s.arm.Pause(s.plan.Step) // let what is under way end
	r.IdleBytes = (residentBytes() - before) / int64(len(s.outlets))

	s.steps(1) // what the collection emptied fills again
	from := readCounters(s.arm)
	s.steps(s.plan.Counted - 1)
	r.charge(from, readCounters(s.arm))
	r.Tokens = (s.plan.Counted - 1) * len(s.outlets)
	r.LateSteps = s.late

	tracer, err := traceSyscalls()
	if err != nil {
		r.NoSyscalls = err.Error()
	}
	s.steps(s.plan.Traced)
	r.Traced = s.plan.Traced * len(s.outlets)
	if err == nil {
		r.Syscalls = tracer.stop()
	}
	for _, o := range s.outlets {
		o.Finish()
	}
	s.arm.Flush()
	return r
}

// steps runs n steps at the plan's pace.
func (s *Source) steps(n int) {
	due := time.Now()
	for i := range n {
		text := words[i%len(words)]
		for _, o := range s.outlets {
			o.Token(text)
		}
		s.arm.Flush()
		due = due.Add(s.plan.Step)
		if wait := time.Until(due); wait > 0 {
			s.arm.Pause(wait)
		} else {
			s.late++
			due = time.Now()
		}
	}
}
