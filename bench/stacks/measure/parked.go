package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
)

// A cell is one kind, number and depth of goroutines.
type cell struct {
	kind     string
	n, depth int
}

func (c cell) String() string { return fmt.Sprintf("%s/%dx%d", c.kind, c.n, c.depth) }

// measureParked measures collections with the cell's goroutines parked.
func measureParked(r *sample.Recorder, c cell, files int, none time.Duration) (err error) {
	n := c.n
	if c.kind == "network" {
		n = min(n, files)
	}
	waits, release, waited, err := waitsOf(c.kind, n)
	if err != nil {
		return fmt.Errorf("%v: %w", c, err)
	}
	group, err := quiet()
	if err != nil {
		return errors.Join(err, release())
	}
	var here sync.WaitGroup
	here.Add(n)
	for i := range n {
		err := group.Go(func() {
			descend(c.depth, &held{}, nil, func() {
				here.Done()
				waits(i)
			})
		})
		if err != nil {
			return errors.Join(err, release())
		}
	}
	here.Wait()
	cycle, err := cost()
	if err := errors.Join(err, release(), crowd.Shutdown(group)); err != nil {
		return err
	}
	r.Set(c.String()+"/cycle_us", us(cycle))
	r.Set(c.String()+"/scan_ns", float64(max(0, cycle-none-waited))/float64(n))
	r.Set(c.String()+"/goroutines", float64(n))
	return nil
}

// held is an object that only a stack holds.
type held struct {
	_ *held
	n int
}

// A frame is what each call has on the stack: a pointer to the heap, one to its
// caller's frame, and a few words.
type frame struct {
	object *held
	caller *frame
	_      [6]uintptr
}

// descend calls wait at the given depth.
//
//go:noinline
func descend(depth int, object *held, caller *frame, wait func()) int {
	own := frame{object: object, caller: caller}
	if depth <= 1 {
		wait()
	} else {
		own.object.n += descend(depth-1, object, &own, wait)
	}
	if own.caller != nil {
		own.caller.object.n++
	}
	return own.object.n
}

// waitsOf returns what the n goroutines of a kind wait by, how all of them are
// released, and what a collection costs for that, without any goroutine.
func waitsOf(kind string, n int) (wait func(i int), release func() error, cycle time.Duration, err error) {
	switch kind {
	case "semaphore":
		var gate sync.WaitGroup
		gate.Add(1)
		return func(int) { gate.Wait() }, func() error { gate.Done(); return nil }, 0, nil
	case "channel":
		gate := make(chan struct{})
		return func(int) { <-gate }, func() error { close(gate); return nil }, 0, nil
	case "select":
		gate, never := make(chan struct{}), make(chan struct{})
		return func(int) {
			select {
			case <-gate:
			case <-never:
			}
		}, func() error { close(gate); return nil }, 0, nil
	case "network":
		before, err := cost()
		if err != nil {
			return nil, nil, 0, err
		}
		wait, release, err := networkWaits(n)
		if err != nil {
			return nil, nil, 0, err
		}
		after, err := cost()
		return wait, release, max(0, after-before), err
	}
	return nil, nil, 0, fmt.Errorf("-kinds: there is no kind %q", kind)
}

// networkWaits are reads of one silent socket, by a descriptor for each
// goroutine.
func networkWaits(n int) (wait func(i int), release func() error, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket: %w", err)
	}
	silent, read := os.NewFile(uintptr(pair[0]), "silent"), os.NewFile(uintptr(pair[1]), "read")
	conns := make([]net.Conn, 0, n)
	release = func() error {
		all := []error{silent.Close(), read.Close()} // an end of file for all readers
		for _, c := range conns {
			all = append(all, c.Close())
		}
		return errors.Join(all...)
	}
	for range n {
		c, err := net.FileConn(read)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("duplicate a socket: %w", err), release())
		}
		conns = append(conns, c)
	}
	return func(i int) {
		// It ends with an end of file, or because it is closed.
		_, _ = conns[i].Read(make([]byte, 1))
	}, release, nil
}
