package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/internal/unixsocket"
)

// Bounds of the server.
const (
	connectionsLimit = 64
	requestTimeout   = 2 * time.Second // to send it, and to take the answer
	headerBytes      = 4 << 10
	closeTimeout     = time.Second
)

// Config says what probes are told. Live and Ready return nil, or why not: at once, and
// whatever the rest of the process does.
type Config struct {
	Live, Ready func() error
	Log         *slog.Logger
}

// Server answers probes.
type Server struct {
	http  http.Server
	group *ggroup.Group
}

// unixPrefix begins the address of a socket in the file system.
const unixPrefix = "unix:"

// Listen listens on HOST:PORT, or on unix:PATH. A socket that a process has left
// behind, which answers nobody, is replaced.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	path, local := strings.CutPrefix(address, unixPrefix)
	if !local {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("probes: listen on %q: give HOST:PORT or unix:PATH", address)
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("probes: listen on %s: %w: choose another address", address, err)
		}
		return l, nil
	}
	l, err := unixsocket.Listen(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("probes: listen on %s: %w: choose another path", address, err)
	}
	return l, nil
}

// Serve begins to answer on a listener, which is the server's from now on.
func Serve(l net.Listener, cfg Config) (*Server, error) {
	group, err := ggroup.Open("probes", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("probes: open goroutine group: %w", err), l.Close())
	}
	s := &Server{group: group, http: http.Server{
		Handler:           cfg.handler(),
		ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		MaxHeaderBytes: headerBytes,
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}}
	s.http.SetKeepAlivesEnabled(false) // nobody holds one of the few connections
	err = group.Go(func() {
		if err := s.http.Serve(netutil.LimitListener(l, connectionsLimit)); !errors.Is(err, http.ErrServerClosed) {
			cfg.Log.Error("probes are answered no more", "error", err)
		}
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("probes: serve: %w", err), l.Close(), group.Close())
	}
	return s, nil
}

// Close stops answering and closes the listener.
func (s *Server) Close() error {
	err := s.http.Close()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return errors.Join(err, s.group.Shutdown(ctx))
}

func (cfg *Config) handler() http.Handler {
	checks := map[string]func() error{"/livez": cfg.Live, "/healthz": cfg.Live, "/readyz": cfg.Ready}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		check, known := checks[q.URL.Path]
		status, text := http.StatusOK, "ok"
		switch {
		case !known:
			status, text = http.StatusNotFound, "ask for /livez or /readyz"
		case q.Method != http.MethodGet && q.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			status, text = http.StatusMethodNotAllowed, "use GET or HEAD"
		default:
			if err := check(); err != nil {
				status, text = http.StatusServiceUnavailable, err.Error()
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text+"\n") // a probe that is gone needs no answer
	})
}
