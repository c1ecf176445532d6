package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// ownHost is an address of this machine that no other process uses, the first or another.
func ownHost(n int) string {
	id := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+id>>14&0x7f, id>>7&0x7f, id&0x7f|n<<7)
}

// freeAddress returns an address that nobody has: the log, which says what port 0
// became, may have no reader, or be silent yet. Its host is this process's own, so
// that no other's listener gets the port meanwhile.
func freeAddress(t *testing.T) (host, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(ownHost(0), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	host, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// served is weir serve in this process, over any model.
type served struct {
	process // its requests
	exits   *exits
	signal  func() // as the first SIGTERM
	ended   chan struct{}
	err     error // once ended is closed
}

// serveHere begins to serve; load is in loadModel's place. free lets what hangs go
// on, at the end of the test at the latest.
func serveHere(t *testing.T, free func(), load func() (engine.Model, error), args ...string) *served {
	t.Helper()
	host, port := freeAddress(t)
	o, err := parseOptions(append([]string{"-m", "fake", "--host", host, "--port", port}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	e, x, _ := newEnding(t)
	ctx, cancel := context.WithCancel(context.Background())
	e.signals = func(context.Context) (context.Context, func()) { return ctx, cancel }
	s := &served{
		process: process{t: t, url: "http://" + net.JoinHostPort(host, port)},
		exits:   x, signal: cancel, ended: make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		s.err = serve(&o, e.log, e, func(_ context.Context, _ *options, _ *slog.Logger) (engine.Model, string, error) {
			model, err := load()
			return model, "fake", err
		})
	}()
	t.Cleanup(func() {
		free()
		s.signal()
		<-s.ended
	})
	return s
}

// poll tries until it succeeds.
func (p *process) poll(what string, try func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("no sign of %s: %v", what, err)
		case <-time.After(time.Millisecond):
		}
	}
}

// health waits until /health has the status, and returns what it says.
func (p *process) health(status int) (said string) {
	p.t.Helper()
	p.poll(fmt.Sprintf("/health being %d", status), func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if said = string(body); response.StatusCode != status {
			return fmt.Errorf("status %d, %s", response.StatusCode, said)
		}
		return err
	})
	return said
}

// hanging makes decodes hang, deaf to Abort, until free.
func hanging() (load func() (engine.Model, error), free func()) {
	hold := make(chan struct{})
	model := enginetest.New(enginetest.Options{Printable: true, Fault: func(step int, _ *engine.Batch) error {
		if step >= 3 {
			<-hold
		}
		return nil
	}})
	return func() (engine.Model, error) { return model, nil }, sync.OnceFunc(func() { close(hold) })
}

// A decode that hangs holds up neither what its clients are told nor the end.
func TestStuckEngineHoldsUpNoEnd(t *testing.T) {
	for _, found := range []bool{false, true} {
		onBoth(t, func(t *testing.T, transport string) {
			load, free := hanging()
			args := []string{"--io", transport, "--drain-timeout", "100ms"}
			code := "shutting_down"
			if found {
				args, code = append(args, "--stuck-after", "2"), "engine_stuck"
			}
			s := serveHere(t, free, load, args...)
			s.health(http.StatusOK)
			response, err := s.do(http.MethodPost, "/v1/completions", `{"prompt":"x","stream":true}`, "")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if found {
				if said := s.health(http.StatusServiceUnavailable); !strings.Contains(said, "engine stuck for ") {
					t.Errorf("/health says %s", said)
				}
			}
			s.signal()
			if events, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(events), `"code":"`+code+`"`) {
				t.Errorf("the stream is %s, %v", events, err)
			}
			<-s.exits.first
			if codes := s.exits.all(); !slices.Equal(codes, []int{exitFailed}) {
				t.Errorf("exit codes %v", codes)
			}
			free() // as it does not exit here, it closes all in order
			<-s.ended
			if s.err != nil {
				t.Error(s.err)
			}
		})
	}
}

// While the model is being loaded, /health says so.
func TestLoading(t *testing.T) {
	hold := make(chan struct{})
	free := sync.OnceFunc(func() { close(hold) })
	failed := errors.New("not a model")
	s := serveHere(t, free, func() (engine.Model, error) {
		<-hold
		return nil, failed
	})
	if said := s.health(http.StatusServiceUnavailable); !strings.Contains(said, `"message":"Loading model"`) {
		t.Errorf("/health says %s", said)
	}
	if status := s.status(http.MethodGet, "/health/live", "", ""); status != http.StatusOK {
		t.Errorf("liveness: status %d", status)
	}
	free()
	if <-s.ended; !errors.Is(s.err, failed) {
		t.Errorf("ended with %v", s.err)
	}
}
