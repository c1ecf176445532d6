package iouring

import (
	"bufio"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// countingLog keeps the lines that an http.Server logs.
type countingLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *countingLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *countingLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// Without a descriptor for a connection, Accept says so: net/http waits longer
// and longer, and serves those who waited when there are some again.
func TestAcceptWithoutDescriptors(t *testing.T) {
	eachListener(t, func(t *testing.T, network string, opts ...Option) {
		if network == "unix" {
			return
		}
		said := &countingLog{}
		ln := serve(t, network, &http.Server{
			Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }),
			ErrorLog: log.New(said, "", 0),
		}, opts...)
		address := ln.Addr().(*net.TCPAddr)
		to := &unix.SockaddrInet4{Port: address.Port, Addr: [4]byte(address.IP.To4())}
		const clients = 8
		var sockets [clients]int
		for i := range sockets {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			sockets[i] = fd
		}
		leave := takeDescriptors(t)
		for _, fd := range sockets {
			if err := unix.Connect(fd, to); err != nil {
				t.Error(err)
			}
		}
		eventually(t, "Accept does not fail, or is not tried again", func() bool { return len(said.all()) >= 3 })
		lines := said.all()
		for _, line := range lines {
			if !strings.Contains(line, "too many open files") || !strings.Contains(line, "retrying in") {
				t.Errorf("the server says %q", line)
			}
		}
		if len(lines) > 30 {
			t.Errorf("Accept failed %d times at once", len(lines))
		}
		leave()
		for _, fd := range sockets {
			c := os.NewFile(uintptr(fd), "client")
			if _, err := c.WriteString("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
				t.Error(err)
			}
			if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != http.StatusNoContent {
				t.Errorf("%v, %v", res, err)
			}
			_ = c.Close()
		}
	})
}

// takeDescriptors leaves the process none until it is told to.
func takeDescriptors(t *testing.T) (leave func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := before
	low.Cur = 512
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	leave = sync.OnceFunc(func() {
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	})
	t.Cleanup(leave)
	return leave
}
