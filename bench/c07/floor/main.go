//go:build giouring

// Command floor is the least that can serve c07's streams: blocking sockets, a
// fixed answer to each request, one frame for all streams, and their sends in
// one submission, on rings of github.com/pawelgaczynski/giouring, which nothing
// of ours has touched. bench/c07/measure starts it as arm floor.
//
// giouring refers to a symbol of package syscall that the linker hides, so it
// is linked, and only it:
//
//	go build -tags=giouring -ldflags=-checklinkname=0 ./bench/c07/floor
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

	"github.com/weirgo/weir/bench/internal/source"
)

func main() { fatal(source.Serve(new(floor), os.Args[1:])) }

// floor is the arm. One goroutine on one thread does all of its sending.
type floor struct {
	sender   *sender
	listener *os.File // as long as it is there, its descriptor is open
	frames   source.Framer
	frame    []byte // of this step, as a chunk
}

// floorEntries submit the streams of most cells at once.
const floorEntries = 8192

func (f *floor) Start(s *source.Source) (string, error) {
	runtime.LockOSThread() // the ring is this thread's, and so is the source
	var err error
	if f.sender, err = newSender(floorEntries); err != nil {
		return "", err
	}
	f.frames = source.AppendFrames(0)
	listener, err := source.ListenLocal(net.Listen)
	if err != nil {
		return "", err
	}
	if f.listener, err = listener.(*net.TCPListener).File(); err != nil {
		return "", err
	}
	if err := syscall.SetNonblock(int(f.listener.Fd()), false); err != nil {
		return "", err
	}
	go f.accept(s)
	return listener.Addr().String(), nil
}

// accept takes all connections and then answers the request on each.
func (f *floor) accept(s *source.Source) {
	fds := make([]int, s.Streams())
	for i := range fds {
		fd, _, err := unix.Accept4(int(f.listener.Fd()), unix.SOCK_CLOEXEC)
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
		s.Join(&floorOutlet{floor: f, fd: fd})
	}
}

// fatal ends the server; the parent sees its words.
func fatal(err error) {
	fmt.Fprintln(os.Stderr, "c07 floor:", err)
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

func (o *floorOutlet) Token(text []byte) {
	if f := o.floor; f.frame == nil {
		data := f.frames.Text(nil, text)
		f.frame = fmt.Appendf(nil, "%x\r\n%s\r\n", len(data), data)
	}
	o.tokens++
	o.send(o.floor.frame)
}

func (o *floorOutlet) Finish() {
	data := o.floor.frames.End(nil, o.tokens)
	o.send(fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", len(data), data))
}

func (o *floorOutlet) send(data []byte) {
	if err := o.floor.sender.send(o.fd, data); err != nil {
		fatal(err)
	}
}

func (f *floor) Flush() {
	if err := f.sender.submit(); err != nil {
		fatal(err)
	}
	f.frame = nil
}

func (f *floor) Ring() (enters, sends uint64) { return f.sender.enters, f.sender.sends }

// pause sleeps on the thread itself: the runtime would switch threads.
func (f *floor) Pause(d time.Duration) {
	rest := unix.NsecToTimespec(d.Nanoseconds())
	for unix.Nanosleep(&rest, &rest) == unix.EINTR {
	}
}
