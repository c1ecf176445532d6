package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/c07/measure/internal/sys"
)

// floor is the least that can serve these clients: blocking sockets, a fixed
// answer to each request, one frame for all streams, and their sends in one
// submission. One goroutine on one thread does all of it.
type floor struct {
	sender   *sys.Ring
	listener int
	frames   framer
	frame    []byte // of this step, as a chunk
	failed   error
}

// floorEntries submit the streams of most cells at once.
const floorEntries = 8192

func (f *floor) start(s *source) (string, error) {
	runtime.LockOSThread() // the ring is this thread's, and so is the source
	var err error
	if f.sender, err = sys.New(floorEntries); err != nil {
		return "", err
	}
	f.frames = appendFrames(0)
	listener, err := listenLocal(net.Listen)
	if err != nil {
		return "", err
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return "", err
	}
	f.listener = int(file.Fd())
	if err := syscall.SetNonblock(f.listener, false); err != nil {
		return "", err
	}
	go f.accept(s)
	return listener.Addr().String(), nil
}

// accept takes all connections and then answers the request on each.
func (f *floor) accept(s *source) {
	fds := make([]int, cap(s.joined))
	for i := range fds {
		fd, _, err := unix.Accept4(f.listener, unix.SOCK_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			fatal(fmt.Errorf("accept: %w", err))
		}
		fds[i] = fd
	}
	for _, fd := range fds {
		if err := answer(fd); err != nil {
			fatal(err)
		}
		s.joined <- &floorOutlet{floor: f, fd: fd}
	}
}

// fatal ends the server; the parent sees its words.
func fatal(err error) {
	fmt.Fprintln(os.Stderr, "c07 serve:", err)
	os.Exit(1)
}

const floorHeader = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"

// answer reads a whole request and begins the response.
func answer(fd int) error {
	var request []byte
	buffer := make([]byte, 4096)
	for !whole(request) {
		n, err := unix.Read(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 || len(request) > 1<<20 {
			return errors.Join(errors.New("read request"), err)
		}
		request = append(request, buffer[:n]...)
	}
	_, err := unix.Write(fd, []byte(floorHeader))
	return err
}

func whole(request []byte) bool {
	header, body, ok := bytes.Cut(request, []byte("\r\n\r\n"))
	if !ok {
		return false
	}
	_, rest, ok := bytes.Cut(header, []byte("Content-Length: "))
	if !ok {
		return false
	}
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(line))
	return err == nil && len(body) >= length
}

type floorOutlet struct {
	floor  *floor
	fd     int
	tokens int
}

func (o *floorOutlet) token(text []byte) {
	if f := o.floor; f.frame == nil {
		data := f.frames.text(nil, text)
		f.frame = fmt.Appendf(nil, "%x\r\n%s\r\n", len(data), data)
	}
	o.tokens++
	o.send(o.floor.frame)
}

func (o *floorOutlet) finish() {
	data := o.floor.frames.end(nil, o.tokens)
	o.send(fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", len(data), data))
}

func (o *floorOutlet) send(data []byte) {
	if err := o.floor.sender.Send(o.fd, data); err != nil {
		fatal(err)
	}
}

func (f *floor) flush() {
	if err := f.sender.Submit(); err != nil {
		fatal(err)
	}
	f.frame = nil
}

func (f *floor) ring() (enters, sends uint64) { return f.sender.Enters, f.sender.Sends }

// pause sleeps on the thread itself: the runtime would switch threads.
func (f *floor) pause(d time.Duration) {
	rest := unix.NsecToTimespec(d.Nanoseconds())
	for unix.Nanosleep(&rest, &rest) == unix.EINTR {
	}
}
