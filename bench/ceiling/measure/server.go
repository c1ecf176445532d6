package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/server/engine/llama"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

// measureServer starts the server and streams from it at each size.
func measureServer(ctx context.Context, r *sample.Recorder, sizes []int) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	failed := 0
	for _, size := range sizes {
		if _, err := s.stream(ctx, size, min(*tokens, 16)); err != nil { // warm up
			return err
		}
		var waves []wave
		var reports []*load.Report
		cpuBefore, err := s.cpu()
		if err != nil {
			return err
		}
		err = repeat(func() error {
			report, err := s.stream(ctx, size, *tokens)
			if err != nil {
				return err
			}
			reports = append(reports, report)
			if n := report.Failed(); n > 0 {
				failed += n
				fmt.Fprintf(os.Stderr, "%d streams: %v\n", size, report.Errors())
				return nil // counted; a wave with errors has no rate
			}
			tokens, window, err := report.Steady()
			waves = append(waves, wave{tokens, window})
			return err
		})
		if err != nil {
			return err
		}
		cpuAfter, err := s.cpu()
		if err != nil {
			return err
		}
		record(r, size, waves, reports, cpuAfter-cpuBefore)
	}
	r.Set("errors", float64(failed))
	return nil
}

// record sets what the waves of one size measured.
func record(r *sample.Recorder, size int, waves []wave, reports []*load.Report, serverCPU time.Duration) {
	first, between := reports[0].FirstToken, reports[0].InterToken
	made, clientCPU := 0, time.Duration(0)
	for i, report := range reports {
		made += report.Tokens()
		clientCPU += report.ClientCPU
		if i > 0 {
			first.Merge(report.FirstToken)
			between.Merge(report.InterToken)
		}
	}
	r.Set(name(size, "tokens_per_s"), rate(waves))
	for what, h := range map[string]*hdrhistogram.Histogram{"first_token": first, "inter_token": between} {
		r.Set(name(size, what+"_p50_us"), float64(h.ValueAtQuantile(50)))
		r.Set(name(size, what+"_p99_us"), float64(h.ValueAtQuantile(99)))
	}
	r.Set(name(size, "cpu_us_per_token"), perToken(serverCPU, made))
	r.Set(name(size, "client_cpu_us_per_token"), perToken(clientCPU, made))
}

// server is a running one.
type server struct {
	cmd    *exec.Cmd
	exited chan error
	url    string
}

// startServer returns once the server says that it is ready.
func startServer(ctx context.Context) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(address)
	s := &server{exited: make(chan error, 1), url: "http://" + address}
	s.cmd = exec.CommandContext(ctx, *serverPath, "serve", "-m", *model, "--host", host, "--port", port,
		"-np", strconv.Itoa(*sequences), "-c", strconv.Itoa(*sequences**contextOf), "-t", strconv.Itoa(*threads))
	// The binary lies elsewhere than build/bin. If there is no library at all,
	// the server says it best.
	if library, err := llama.FindLibrary(); err == nil {
		s.cmd.Env = append(os.Environ(), "LLAMA_LIB="+library)
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	again, late := time.NewTicker(20*time.Millisecond), time.After(startTimeout)
	defer again.Stop()
	for {
		response, err := client.Get(s.url + "/health")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return s, nil
			}
			err = fmt.Errorf("/health answers %s", response.Status)
		}
		select {
		case exit := <-s.exited:
			return nil, fmt.Errorf("start server: it ended: %w", exit)
		case <-again.C:
		case <-late:
			return nil, errors.Join(fmt.Errorf("start server: not ready after %v: %w", startTimeout, err), s.stop())
		}
	}
}

// freeAddress returns a loopback address that nobody listens on now.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// stream runs one wave.
func (s *server) stream(ctx context.Context, size, n int) (*load.Report, error) {
	return load.Run(ctx, load.Config{
		URL: s.url + "/v1/completions", Request: request(n), Streams: size, KeepArrivals: true,
	})
}

// stop ends the server as an operator would; one that does not end is killed,
// which is an error.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("stop server: %w", err)
		}
		return nil
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		return fmt.Errorf("stop server: it did not end within %v of SIGTERM", stopTimeout)
	}
}

// cpu is the server's CPU time so far, user and system.
func (s *server) cpu() (time.Duration, error) { return sample.ProcessCPU(s.cmd.Process.Pid) }
