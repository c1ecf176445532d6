package served

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/weirgo/weir/server/engine/llama"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 30 * time.Second
)

// Config says what to run.
type Config struct {
	Binary string
	// Args follow "serve"; host and port are added.
	Args []string
	// Command, if not nil, makes all arguments instead, for a binary that is
	// not ours. It has to answer /health.
	Command func(host, port string) []string
	// Env is what its environment has besides this process's.
	Env []string
	// Log, if not nil, gets its stderr in place of this process's. A file costs
	// this process nothing.
	Log io.Writer
}

// Server is a running one.
type Server struct {
	// URL is http://host:port.
	URL string
	// PID is its process, for sample.ProcessCPU.
	PID int

	cmd    *exec.Cmd
	exited chan error
}

// errEnded: the server ended before it was ready.
var errEnded = errors.New("it ended")

// Start returns once the server says that it is ready. It is killed when ctx
// ends.
func Start(ctx context.Context, cfg Config) (s *Server, err error) {
	// Between the choice of a port and the server's listening another process may
	// take it: a server that ends is tried again, on another one.
	for range 3 {
		if s, err = start(ctx, cfg); !errors.Is(err, errEnded) {
			break
		}
	}
	return s, err
}

func start(ctx context.Context, cfg Config) (*Server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(address)
	s := &Server{exited: make(chan error, 1), URL: "http://" + address}
	args := append([]string{"serve", "--host", host, "--port", port}, cfg.Args...)
	if cfg.Command != nil {
		args = cfg.Command(host, port)
	}
	s.cmd = exec.CommandContext(ctx, cfg.Binary, args...)
	// The binary lies elsewhere than build/bin. If there is no library at all,
	// the server says it best.
	s.cmd.Env = append(os.Environ(), cfg.Env...)
	if library, err := llama.FindLibrary(); err == nil {
		s.cmd.Env = append(s.cmd.Env, "LLAMA_LIB="+library)
	}
	if s.cmd.Stderr = cfg.Log; cfg.Log == nil {
		s.cmd.Stderr = os.Stderr
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s.PID = s.cmd.Process.Pid
	go func() { s.exited <- s.cmd.Wait() }()
	return s, s.ready()
}

// ready waits for a good answer of /health; a server that has none is stopped.
func (s *Server) ready() error {
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	again, late := time.NewTicker(20*time.Millisecond), time.After(startTimeout)
	defer again.Stop()
	for {
		response, err := client.Get(s.URL + "/health")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("/health answers %s", response.Status)
		}
		select {
		case exit := <-s.exited:
			return fmt.Errorf("start server: %w: %w", errEnded, exit)
		case <-again.C:
		case <-late:
			return errors.Join(fmt.Errorf("start server: not ready after %v: %w", startTimeout, err), s.Stop())
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

// Stop ends the server as an operator would; one that does not end is killed,
// which is an error.
func (s *Server) Stop() error {
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
