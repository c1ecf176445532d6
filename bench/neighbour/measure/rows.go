package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weirgo/weir/bench/internal/exchange"
	"github.com/weirgo/weir/bench/internal/paired"
)

// A row is something that goroutines of no group do.
type row struct {
	load  paired.Load
	close func() error
	// alone says that it needs one P. With two, whether one or both run what is
	// ready is a matter of luck, and a switch costs half or four times as much.
	alone bool
}

// Sizes of the rows that have one.
const (
	messageBytes = 64   // of an echo
	yielders     = 4    // goroutines that call Gosched
	sleepers     = 4096 // whose timers hardly leave a processor idle
	sleep        = time.Millisecond
)

// openRow prepares a row. echo and http take a number of connections at the end
// of their names.
func openRow(name string) (row, error) {
	kind := strings.TrimRight(name, "0123456789")
	n := 0
	if digits := name[len(kind):]; digits != "" {
		var err error
		if n, err = strconv.Atoi(digits); err != nil || n < 1 || n > 10_000 {
			return row{}, fmt.Errorf("-rows: %q has no sensible number", name)
		}
	}
	nothing := func() error { return nil }
	switch {
	case kind == "echo" && n > 0:
		return openEcho(n)
	case kind == "http" && n > 0:
		return openHTTP(n)
	case n > 0:
	case kind == "gosched":
		step := func(int) error { runtime.Gosched(); return nil }
		return row{load: paired.Load{Workers: yielders, Step: step}, close: nothing, alone: true}, nil
	case kind == "channel":
		return openChannel(), nil
	case kind == "mutex":
		return openMutex(), nil
	case kind == "timers":
		step := func(int) error { time.Sleep(sleep); return nil }
		return row{load: paired.Load{Workers: sleepers, Step: step}, close: nothing}, nil
	}
	return row{}, fmt.Errorf("-rows: there is no row %q", name)
}

// openChannel is ping-pong over two channels without room.
func openChannel() row {
	ping, pong := make(chan int), make(chan int)
	go func() {
		defer close(pong)
		for n := range ping {
			pong <- n
		}
	}()
	step := func(n int) error {
		ping <- n
		<-pong
		return nil
	}
	return row{load: paired.Load{Workers: 1, Step: step}, close: func() error {
		close(ping)
		<-pong
		return nil
	}}
}

// openMutex is ping-pong over two mutexes: each of two goroutines parks until
// the other hands one on to it.
func openMutex() row {
	var ping, pong sync.Mutex
	ping.Lock()
	pong.Lock()
	ended := false // handed over with ping
	go func() {
		for {
			ping.Lock()
			if ended {
				pong.Unlock()
				return
			}
			pong.Unlock()
		}
	}()
	step := func(int) error {
		ping.Unlock()
		pong.Lock()
		return nil
	}
	return row{load: paired.Load{Workers: 1, Step: step}, close: func() error {
		ended = true
		return step(0)
	}}
}

// openEcho is n clients that send to a goroutine each, over loopback.
func openEcho(n int) (row, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return row{}, fmt.Errorf("listen: %w", err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			done.Go(func() {
				defer conn.Close()
				message := make([]byte, messageBytes)
				for {
					if _, err := io.ReadFull(conn, message); err != nil {
						return // the client has gone
					}
					if _, err := conn.Write(message); err != nil {
						return
					}
				}
			})
		}
	})
	return over(listener, n, make([]byte, messageBytes), messageBytes, func() error {
		err := listener.Close()
		done.Wait()
		return err
	})
}

// openHTTP is n clients of a net/http server that answers two bytes.
func openHTTP(n int) (row, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return row{}, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return over(listener, n, exchange.Get("/"), 0, func() error {
		err := server.Close()
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	})
}

// over connects n clients to the listener's server, which end ends.
func over(listener net.Listener, n int, request []byte, answerBytes int, end func() error) (row, error) {
	clients, err := exchange.Dial("tcp", listener.Addr().String(), n, request, answerBytes)
	if err != nil {
		return row{}, errors.Join(err, end())
	}
	return row{load: paired.Load{Workers: n, Step: clients.Step}, close: func() error {
		return errors.Join(clients.Close(), end())
	}}, nil
}
