package iouring

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// openDescriptors counts this process's descriptors (the one that reads the
// directory is in each count).
func openDescriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// settle waits until count is down to want and gives the last value.
func settle(want int, count func() int) int {
	n := count()
	for range 200 {
		if n <= want {
			break
		}
		time.Sleep(20 * time.Millisecond)
		n = count()
	}
	return n
}

func TestThousandsOfConnectionsLeakNothing(t *testing.T) {
	conns := 8000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if room := int(limit.Cur)/2 - 200; room < conns { // both ends are ours
		conns = room
		t.Logf("limit of open files %d: %d connections", limit.Cur, conns)
	}
	if testing.Short() || raceEnabled {
		conns = min(conns, 500)
	}
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		if network == "unix" {
			conns := min(conns, 1000)
			churn(t, network, conns, opts...)
			return
		}
		churn(t, network, conns, opts...)
	})
}

// churn opens n connections at once, makes a request on each, and closes them;
// twice, so that what is made once and kept does not count.
func churn(t *testing.T, network string, n int, opts ...Option) {
	srv, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}), opts...)
	_ = srv
	round := func(n int) {
		conns := make([]net.Conn, n)
		work := make(chan int, n)
		for i := range n {
			work <- i
		}
		close(work)
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for i := range work {
					c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					conns[i] = c
					_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					res, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err != nil {
						t.Error(err)
						return
					}
					_ = res.Body.Close()
				}
			})
		}
		wg.Wait()
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}
	round(64)
	time.Sleep(50 * time.Millisecond)
	fds, goroutines := openDescriptors(t), runtime.NumGoroutine()
	round(n)
	if got := settle(fds, func() int { return openDescriptors(t) }); got > fds {
		t.Errorf("%d descriptors before, %d after %d connections", fds, got, n)
	}
	if got := settle(goroutines, runtime.NumGoroutine); got > goroutines+2 {
		t.Errorf("%d goroutines before, %d after %d connections", goroutines, got, n)
	}
	if x := ln.ring; x != nil {
		if got := settle(1, func() int { return x.inUse() }); got > 8 {
			t.Errorf("%d requests still in the kernel", got)
		}
	}
}
