package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// attackersAt send a message again and again.
type attackersAt struct {
	address string
	message []byte
	answers atomic.Int64
	leaving atomic.Bool
	all     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // the current one of each attacker
}

// attack starts n attackers.
func attack(url string, message []byte, n int) (*attackersAt, error) {
	a := &attackersAt{address: strings.TrimPrefix(url, "http://"), message: message, conns: make([]net.Conn, n)}
	for i := range n {
		conn, err := net.Dial("tcp", a.address)
		if err != nil {
			a.stop()
			return nil, fmt.Errorf("attack: %w", err)
		}
		a.conns[i] = conn
	}
	for i := range n {
		a.all.Go(func() { a.run(i) })
	}
	return a, nil
}

// run is one attacker. A server may refuse a body before it has read it and
// close the connection: that is an answer too.
func (a *attackersAt) run(i int) {
	for conn := a.conns[i]; !a.leaving.Load(); {
		if a.exchange(conn) {
			continue
		}
		conn.Close()
		next, err := net.Dial("tcp", a.address)
		if err != nil {
			return
		}
		a.mu.Lock()
		conn, a.conns[i] = next, next
		a.mu.Unlock()
		if a.leaving.Load() { // stop has closed the one before
			next.Close()
		}
	}
}

// openSink returns the URL of a server in this process that throws bodies away,
// and its end.
func openSink() (url string, end func()) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that leaves is the attack's end
	}))
	return server.URL, server.Close
}

// exchange sends the message once and reads its answer; it reports whether the
// connection may be used again.
func (a *attackersAt) exchange(conn net.Conn) bool {
	if _, err := conn.Write(a.message); err != nil {
		a.answers.Add(1)
		return false
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, response.Body)
	a.answers.Add(1)
	return err == nil && !response.Close
}

// stop ends the attackers in the middle of what they do, and returns how many
// answers they got.
func (a *attackersAt) stop() int {
	// The flag first, then the connections: an attacker that makes a new one
	// in between looks at the flag after it has stored it.
	a.leaving.Store(true)
	a.mu.Lock()
	for _, conn := range a.conns {
		if conn != nil {
			conn.Close()
		}
	}
	a.mu.Unlock()
	a.all.Wait()
	return int(a.answers.Load())
}

const (
	look     = 2 * time.Millisecond   // between two looks at the CPU clock
	quiet    = 100 * time.Millisecond // without work: it has ended
	settling = 10 * time.Second       // the longest wait for either
	working  = 0.3                    // share of a core that is work
)

// timeToStop sends the message, resets the connection once the server works on
// it, and returns how long it went on; 0 if it had ended before.
func timeToStop(s *served.Server, message []byte) (time.Duration, error) {
	if _, err := lastWork(s.PID); err != nil { // of what came before
		return 0, err
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		return 0, fmt.Errorf("send the last body: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write(message); err != nil {
		return 0, nil // refused before it was read
	}
	// A few milliseconds of work have begun, or the answer has come.
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		return 0, err
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		return 0, nil
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		return 0, err
	}
	conn.Close()
	return lastWork(s.PID)
}

// lastWork returns when a process did the last of its work, from now on.
func lastWork(pid int) (time.Duration, error) {
	begin, last := time.Now(), time.Duration(0)
	before, err := sample.ProcessClock(pid)
	if err != nil {
		return 0, err
	}
	again := time.NewTicker(look)
	defer again.Stop()
	for at := begin; ; {
		<-again.C
		now := time.Now()
		cpu, err := sample.ProcessClock(pid)
		if err != nil {
			return 0, err
		}
		if float64(cpu-before) > working*float64(now.Sub(at)) {
			last = now.Sub(begin)
		}
		if since := now.Sub(begin); since-last > quiet || since > settling {
			return last, nil
		}
		at, before = now, cpu
	}
}
