package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/exchange"
	"github.com/weirgo/weir/bench/internal/sample"
)

// measureHTTP measures collections while a server of the group has open streams:
// each has sent its first bytes, and waits for more to send. Their clients are
// bare sockets of this process, with no goroutine and next to no memory.
func measureHTTP(r *sample.Recorder) (err error) {
	before := runtime.NumGoroutine()
	group, err := quiet()
	if err != nil {
		return err
	}
	l := &pairs{conns: make(chan net.Conn), closed: make(chan struct{})}
	gate := make(chan struct{})
	var streaming sync.WaitGroup
	streaming.Add(*streams)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		streaming.Done()
		<-gate
	})}
	ended := make(chan error, 1)
	if err := group.Go(func() { ended <- server.Serve(l) }); err != nil {
		return err
	}
	defer func() {
		close(gate)
		if end := errors.Join(server.Close(), l.hangUp()); end != nil {
			err = errors.Join(err, end)
		}
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		err = errors.Join(err, crowd.Shutdown(group))
	}()
	for range *streams {
		if err := l.connect(exchange.Get("/stream")); err != nil {
			return fmt.Errorf("http: %w", err)
		}
	}
	streaming.Wait()
	cycle, err := cost()
	if err != nil {
		return err
	}
	r.Set("http/cycle_us", us(cycle))
	r.Set("http/goroutines", float64(runtime.NumGoroutine()-before))
	return l.answered()
}

// pairs is a listener whose connections are one end of a socket pair each.
type pairs struct {
	conns   chan net.Conn
	closing sync.Once
	closed  chan struct{}
	clients []int // the other ends
}

// connect makes a connection and sends a request over it.
func (l *pairs) connect(request []byte) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("make a connection: %w: raise the limit of open files (ulimit -n)", err)
	}
	l.clients = append(l.clients, pair[0])
	file := os.NewFile(uintptr(pair[1]), "stream")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return fmt.Errorf("make a connection: %w", err)
	}
	if n, err := unix.Write(pair[0], request); err != nil || n < len(request) {
		return fmt.Errorf("send a request: %d bytes, %w", n, err)
	}
	l.conns <- conn
	return nil
}

// answered reports a client that has got nothing good.
func (l *pairs) answered() error {
	for _, fd := range l.clients {
		answer := make([]byte, 12)
		n, err := unix.Read(fd, answer)
		if err != nil || !bytes.Equal(answer[:n], []byte("HTTP/1.1 200")) {
			return fmt.Errorf("http: a stream begins with %q, %w", answer[:max(0, n)], err)
		}
	}
	return nil
}

// hangUp closes the clients' ends.
func (l *pairs) hangUp() error {
	var all []error
	for _, fd := range l.clients {
		all = append(all, unix.Close(fd))
	}
	return errors.Join(all...)
}

// Accept is net.Listener's.
func (l *pairs) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (l *pairs) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return nil
}

// Addr is net.Listener's.
func (l *pairs) Addr() net.Addr { return &net.UnixAddr{Name: "@", Net: "unix"} }
