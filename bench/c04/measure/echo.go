package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// A message is the monotonic time at which the client sent it, in ns. Both
// processes read the same clock.
const messageBytes = 8

const (
	// lead is the time from the connection to the client's first request: the
	// hogs are computing by then.
	lead = 100 * time.Millisecond
	// tail and tailPerHog are how long the hogs outlast the window, so that
	// the last answer is no faster than the others.
	tail       = 300 * time.Millisecond
	tailPerHog = 20 * time.Millisecond
)

// echoBeside measures an echo goroutine of the inference group beside n
// CPU-bound goroutines: the round trip in the client's process, and in this
// one the time from the client's sending to the goroutine's running.
func echoBeside(r *sample.Recorder, n, turnSteps int) error {
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	measured := *echoWindow + time.Duration(n)**echoPerHog
	run, err := startClient(listener.Addr().String(), measured)
	if err != nil {
		return err
	}
	defer run.kill()
	gate := crowd.NewGate()
	beside := crowd.Gather(gate, n, func(f func()) { go f() }, turnSteps)
	conn, err := listener.Accept()
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	var arrival delay.Set
	var echoErr error
	var done sync.WaitGroup
	done.Add(1)
	if err := group.Go(func() {
		defer done.Done()
		defer conn.Close()
		echoErr = echo(conn, &arrival)
	}); err != nil {
		return err
	}
	gate.Open(time.Now().Add(lead + measured + tail + time.Duration(n)*tailPerHog))
	beside.Wait()
	answer, err := run.wait()
	done.Wait()
	if err := errors.Join(err, echoErr); err != nil {
		return err
	}

	name := fmt.Sprintf("echo%d", n)
	var roundTrip delay.Set
	for _, ns := range answer.RoundTripNs {
		roundTrip.Add(time.Duration(ns))
	}
	roundTrip.Record(r, name+"/roundtrip", delay.Microseconds)
	roundTrip.WithOmitted(*pace).Record(r, name+"/roundtrip_open", delay.Microseconds)
	arrival.Record(r, name+"/arrival", delay.Microseconds)
	recordReady(r, name+"/inference", group)
	r.Set(name+"/client_raised", number(answer.Raised))
	return crowd.Shutdown(group)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// echo sends back each message until the client closes the connection, and
// records how old it was when this goroutine had it.
func echo(conn net.Conn, arrival *delay.Set) error {
	message := make([]byte, messageBytes)
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read request: %w", err)
		}
		now, err := monotonic()
		if err != nil {
			return err
		}
		arrival.Add(now - time.Duration(binary.NativeEndian.Uint64(message)))
		if _, err := conn.Write(message); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
}

// monotonic returns the time since boot, which is the same in each process.
func monotonic() (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, fmt.Errorf("read clock: %w", err)
	}
	return time.Duration(now.Nano()), nil
}

// clientRun is a client's process.
type clientRun struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

func startClient(address string, measured time.Duration) (*clientRun, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	run := &clientRun{cmd: exec.Command(self, clientCommand, "-address="+address, "-window="+measured.String(),
		"-pace="+pace.String(), fmt.Sprintf("-raise=%v", *raisedClient))}
	run.cmd.Stdout, run.cmd.Stderr = &run.stdout, &run.stderr
	if err := run.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	return run, nil
}

func (c *clientRun) wait() (clientAnswer, error) {
	var answer clientAnswer
	if err := c.cmd.Wait(); err != nil {
		return answer, fmt.Errorf("client: %w: %s", err, bytes.TrimSpace(c.stderr.Bytes()))
	}
	if err := json.Unmarshal(c.stdout.Bytes(), &answer); err != nil {
		return answer, fmt.Errorf("client's answer: %w", err)
	}
	return answer, nil
}

// kill ends a client that has not been waited for.
func (c *clientRun) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}
