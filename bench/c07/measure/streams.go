package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirgo/weir/bench/c07/internal/source"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
)

// child is the server's process.
type child struct {
	cmd     *exec.Cmd
	input   io.Closer
	output  *bufio.Reader
	address string
}

// startChild runs this binary in a role of the server.
func startChild(ctx context.Context, role string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own binary: %w", err)
	}
	return start(exec.CommandContext(ctx, self, append([]string{role}, args...)...))
}

// start returns once the server has said its address.
func start(cmd *exec.Cmd) (c *child, err error) {
	c = &child{cmd: cmd}
	c.cmd.Stderr = os.Stderr
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	c.output = bufio.NewReader(output)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	line, err := c.output.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: it ended: %w", err), c.stop())
	}
	c.address = line[:len(line)-1]
	return c, nil
}

// stop ends the server.
func (c *child) stop() error {
	_ = c.input.Close()
	return c.cmd.Wait()
}

// measureStreams runs one cell against a fresh server.
func measureStreams(ctx context.Context, r *sample.Recorder, c source.Cell, failed *int) (err error) {
	p := source.NewPlan(c.Size, *seconds, *perToken, *shortest)
	server, err := startServer(ctx, source.Arguments(c, p))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if c.Stuck {
		conn, err := dialStuck(server.address)
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	report, err := load.Run(ctx, load.Config{
		URL: "http://" + server.address + "/v1/completions", Streams: c.Size, KeepArrivals: true,
		Request: load.Request{Prompt: "Once", MaxTokens: p.Tokens(), Sampling: load.DefaultSampling},
	})
	if err != nil {
		return err
	}
	if n := report.Failed(); n > 0 {
		*failed += n
		fmt.Fprintf(os.Stderr, "%s%s: %v\n", c.Prefix(), *armName, report.Errors())
	}
	var found source.Served
	if err := json.NewDecoder(server.output).Decode(&found); err != nil {
		return fmt.Errorf("read what the server found: %w", err)
	}
	record(r, c, p, found, report)
	return nil
}

// startServer starts the arm's server: this binary again, or the floor's own,
// which is linked apart.
func startServer(ctx context.Context, args []string) (*child, error) {
	if *armName == "floor" {
		return start(exec.CommandContext(ctx, *floorPath, args...))
	}
	return startChild(ctx, serveRole, append([]string{*armName}, args...)...)
}

// dialStuck asks for a stream and never reads it.
func dialStuck(address string) (net.Conn, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect the client that does not read: %w", err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		return nil, fmt.Errorf("connect the client that does not read: %w", err)
	}
	body := `{"prompt":"` + stuckPrompt + `","stream":true}`
	_, err = fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return conn, err
}

// record sets what a cell measured.
func record(r *sample.Recorder, c source.Cell, p source.Plan, found source.Served, report *load.Report) {
	perToken := func(v float64) float64 { return v / float64(max(1, found.Tokens)) }
	set := func(name string, value float64) { r.Set(c.Prefix()+name, value) }
	set("cpu_us_per_token", perToken(float64(found.CPUNs)/1000))
	set("switches_per_token", perToken(float64(found.Switches)))
	set("allocs_per_token", perToken(float64(found.Allocs)))
	if found.Sends > 0 {
		set("enters_per_token", perToken(float64(found.Enters)))
		set("sends_per_token", perToken(float64(found.Sends)))
	}
	set("late_steps", float64(found.LateSteps))
	if found.NoSyscalls == "" {
		set("syscalls_per_token", float64(found.Syscalls)/float64(max(1, found.Traced)))
	} else {
		fmt.Fprintln(os.Stderr, found.NoSyscalls)
	}
	if c.Size >= 100 { // below, the noise of the rest of the process is larger
		set("idle_bytes_per_stream", float64(found.IdleBytes))
	}
	between := interTokens(p, report)
	set("inter_token_p50_us", float64(between.ValueAtQuantile(50)))
	set("inter_token_p99_us", float64(between.ValueAtQuantile(99)))
	made := max(1, report.Tokens())
	set("client_cpu_us_per_token", float64(report.ClientCPU.Microseconds())/float64(made))
}

// interTokens are the times between tokens of the counted steps, in µs.
func interTokens(p source.Plan, report *load.Report) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, time.Minute.Microseconds(), 3)
	for _, g := range report.Generations {
		if g.Err != nil || len(g.Arrivals) != p.Tokens() {
			continue // counted among the errors
		}
		// The first counted token comes after the pause for the idle memory.
		for i := p.Warm + 1; i < p.Warm+p.Counted; i++ {
			_ = h.RecordValue(max(1, g.Arrivals[i].Sub(g.Arrivals[i-1]).Microseconds()))
		}
	}
	return h
}
