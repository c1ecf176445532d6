package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/source"
	"github.com/weirgo/weir/bench/internal/streamed"
)

// startChild runs this binary in a role of the server.
func startChild(ctx context.Context, role string, args ...string) (*streamed.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own binary: %w", err)
	}
	return streamed.Start(exec.CommandContext(ctx, self, append([]string{role}, args...)...))
}

// measureStreams runs one cell against a fresh server.
func measureStreams(ctx context.Context, r *sample.Recorder, c source.Cell, failed *int) (err error) {
	p := source.NewPlan(c.Size, *seconds, *perToken, *shortest)
	server, err := startServer(ctx, source.Arguments(c, p))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if c.Stuck {
		conn, err := dialStuck(server.Address)
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	outcome, err := server.Measure(ctx, c, p, load.DefaultSampling, 0)
	if err != nil {
		return err
	}
	if n := outcome.Failed(); n > 0 {
		*failed += n
		fmt.Fprintf(os.Stderr, "%s%s: %v\n", c.Prefix(), *armName, outcome.Report.Errors())
	}
	outcome.Record(r)
	return nil
}

// startServer starts the arm's server: this binary again, or the floor's own,
// which is linked apart.
func startServer(ctx context.Context, args []string) (*streamed.Server, error) {
	if *armName == "floor" {
		return streamed.Start(exec.CommandContext(ctx, *floorPath, args...))
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
