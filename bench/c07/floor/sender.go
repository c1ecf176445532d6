//go:build giouring

package main

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/pawelgaczynski/giouring"
	"golang.org/x/sys/unix"
)

// sender is a ring of one thread that sends: what is prepared is submitted
// together and waited for together.
type sender struct {
	ring          *giouring.Ring
	ready         uint32
	sending       [][]byte // keeps what the kernel has addresses of
	enters, sends uint64   // io_uring_enter calls so far, and what they submitted
}

// newSender makes one of entries, a power of two, for the calling thread.
func newSender(entries uint32) (*sender, error) {
	ring := giouring.NewRing()
	// A completion queue of twice the entries, which holds what is under way.
	if err := ring.QueueInit(entries, giouring.SetupSubmitAll|giouring.SetupSingleIssuer|giouring.SetupDeferTaskrun); err != nil {
		return nil, fmt.Errorf("set up ring: %w", err)
	}
	return &sender{ring: ring}, nil
}

// send prepares a send of data, which must stay unchanged until submit has
// returned. It submits first if the ring is full.
func (s *sender) send(fd int, data []byte) error {
	entry := s.ring.GetSQE()
	if entry == nil {
		if err := s.submit(); err != nil {
			return err
		}
		if entry = s.ring.GetSQE(); entry == nil {
			return errors.New("prepare send: the ring stays full")
		}
	}
	entry.PrepareSend(fd, uintptr(unsafe.Pointer(&data[0])), uint32(len(data)), unix.MSG_NOSIGNAL)
	entry.UserData = uint64(len(data))
	s.ready++
	s.sending = append(s.sending, data)
	return nil
}

var errShort = errors.New("a send was not whole")

// submit sends what is prepared and waits until all is done.
func (s *sender) submit() error {
	todo := s.ready
	if todo == 0 {
		return nil
	}
	s.ready = 0
	s.sends += uint64(todo)
	for s.ring.CQReady() < todo {
		s.enters++
		// What an interrupted call has not submitted is submitted by the next.
		if _, err := s.ring.SubmitAndWait(todo); err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("enter ring: %w", err)
		}
	}
	runtime.KeepAlive(s.sending)
	clear(s.sending)
	s.sending = s.sending[:0]
	var failed error
	s.ring.ForEachCQE(func(c *giouring.CompletionQueueEvent) {
		if c.Res != int32(c.UserData) {
			failed = errShort
		}
	})
	s.ring.CQAdvance(todo)
	return failed
}
