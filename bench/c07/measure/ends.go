package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
)

// endRounds is how often each end is brought about.
const endRounds = 100

// measureEnds measures the longest time from Close to
// the peer's end of file, with a Read blocked and without, from there to the
// blocked Read's return, and from a deadline in the past to that; and from a
// stream's Abort to the peer's end of file.
func measureEnds(ctx context.Context, r *sample.Recorder) error {
	var fin, read time.Duration
	listener, err := iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(iouring.BackendURing))
	if err != nil {
		return err
	}
	for i := range endRounds {
		f, d, err := endOnce(listener, i%3)
		if err != nil {
			return errors.Join(fmt.Errorf("end a connection: %w", err), listener.Close())
		}
		fin, read = max(fin, f), max(read, d)
	}
	if err := listener.Close(); err != nil {
		return err
	}
	aborted, err := abortStreams(ctx)
	if err != nil {
		return fmt.Errorf("end a stream: %w", err)
	}
	fin = max(fin, aborted)
	r.Set("ends/close_to_fin_ms", float64(fin.Microseconds())/1000)
	r.Set("ends/cancelled_read_ms", float64(read.Microseconds())/1000)
	return nil
}

// endOnce brings one connection to its end: 0 with nothing under way, 1 with a
// Read blocked, 2 with the Read called off first.
func endOnce(listener net.Listener, way int) (fin, read time.Duration, err error) {
	peer, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return 0, 0, err
	}
	defer peer.Close()
	c, err := listener.Accept()
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	returned := make(chan time.Time, 1)
	if way > 0 {
		go func() {
			_, _ = c.Read(make([]byte, 1))
			returned <- time.Now()
		}()
		// Nothing tells that a Read is blocked. One that is not yet then is
		// called off at its beginning, which is no slower.
		time.Sleep(time.Millisecond)
	}
	if way == 2 {
		begin := time.Now()
		if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			return 0, 0, err
		}
		read = (<-returned).Sub(begin)
	}
	begin := time.Now()
	if err := c.Close(); err != nil {
		return 0, 0, err
	}
	if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
		return 0, 0, fmt.Errorf("the peer got %v instead of its end", err)
	}
	fin = time.Since(begin)
	if way == 1 {
		read = (<-returned).Sub(begin)
	}
	return fin, read, nil
}

// abortStreams is the longest time from a stream's Abort to its client's end.
func abortStreams(ctx context.Context) (worst time.Duration, err error) {
	fan, err := fanout.New(fanout.Config{Backend: iouring.BackendURing})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, fan.Close(ctx)) }()
	listener, err := iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(iouring.BackendURing))
	if err != nil {
		return 0, err
	}
	opened := make(chan *fanout.Stream)
	server := &http.Server{ConnContext: iouring.ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := fan.Open(w, r, nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		opened <- s
		_ = s.Serve()
	})}
	go server.Serve(listener)
	defer server.Close()
	for range endRounds {
		peer, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return 0, err
		}
		if _, err := io.WriteString(peer, "GET / HTTP/1.1\r\nHost: c07\r\n\r\n"); err != nil {
			return 0, err
		}
		s := <-opened
		begin := time.Now()
		s.Abort(os.ErrClosed)
		_, err = io.Copy(io.Discard, peer)
		worst = max(worst, time.Since(begin))
		if err = errors.Join(err, peer.Close()); err != nil {
			return 0, err
		}
	}
	return worst, nil
}
