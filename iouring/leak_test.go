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
	"sync/atomic"
	"syscall"
	"testing"
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
	if testing.Short() {
		conns = min(conns, 500)
	}
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
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
	var ended atomic.Int64
	ln := serve(t, network, &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				ended.Add(1)
			}
		},
	}, opts...)
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
	open := func() int { return openDescriptors(t) - 1 } // the listener's
	eventually(t, "connections of the first round stay open", func() bool { return ended.Load() == 64 })
	fds, goroutines := open(), runtime.NumGoroutine()
	round(n)
	eventually(t, "connections stay open", func() bool { return ended.Load() == 64+int64(n) })
	eventually(t, "descriptors are left", func() bool { return open() <= fds })
	eventually(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
}
