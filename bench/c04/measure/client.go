package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// clientCommand as the first argument makes this program the echo's client.
const clientCommand = "client"

// A clientAnswer is what the client prints.
type clientAnswer struct {
	Raised      bool    `json:"raised"` // its thread ran under SCHED_FIFO
	RoundTripNs []int64 `json:"round_trip_ns"`
}

// client sends one message after the other for the window and prints how long
// each took to come back. It uses blocking system calls on one thread, so that
// nothing of Go's scheduler is in its times.
func client(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("c04 client", flag.ContinueOnError)
	address := flags.String("address", "", "the server's `address`")
	window := flags.Duration("window", time.Second, "time for which it sends")
	pace := flags.Duration("pace", time.Millisecond, "pause after each answer")
	raise := flags.Bool("raise", true, "run under SCHED_FIFO if permitted")
	if err := flags.Parse(args); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(*address)
	if err != nil || !to.Addr().Is4() {
		return fmt.Errorf("-address=%q is not an IPv4 address with a port", *address)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var answer clientAnswer
	if *raise {
		answer.Raised = unix.SchedSetAttr(0, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1,
		}, 0) == nil
	}
	fd, err := connect(to)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	pause(lead)
	begin, err := monotonic()
	if err != nil {
		return err
	}
	for sent := begin; sent-begin < *window; {
		answered, err := exchange(fd, &sent)
		if err != nil {
			return err
		}
		answer.RoundTripNs = append(answer.RoundTripNs, int64(answered-sent))
		pause(*pace)
		sent = answered + *pace
	}
	return json.NewEncoder(stdout).Encode(answer)
}

func connect(to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("make socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect to %v: %w", to, err)
	}
	return fd, nil
}

// exchange sends a message, waits for its echo, and returns when it came; sent
// becomes the time at which it went.
func exchange(fd int, sent *time.Duration) (answered time.Duration, err error) {
	if *sent, err = monotonic(); err != nil {
		return 0, err
	}
	message := binary.NativeEndian.AppendUint64(nil, uint64(*sent))
	if n, err := ignoringEINTR(func() (int, error) { return unix.Write(fd, message) }); err != nil || n != messageBytes {
		return 0, fmt.Errorf("send: %d bytes, %w", n, err)
	}
	echoed := make([]byte, messageBytes)
	for got := 0; got < messageBytes; {
		n, err := ignoringEINTR(func() (int, error) { return unix.Read(fd, echoed[got:]) })
		if err != nil {
			return 0, fmt.Errorf("receive: %w", err)
		}
		if n == 0 {
			return 0, errors.New("receive: the server closed the connection")
		}
		got += n
	}
	if answered, err = monotonic(); err != nil {
		return 0, err
	}
	if string(echoed) != string(message) {
		return 0, errors.New("receive: another message came back")
	}
	return answered, nil
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// pause blocks the thread for d, or less if a signal comes.
func pause(d time.Duration) {
	spec := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&spec, nil)
}
