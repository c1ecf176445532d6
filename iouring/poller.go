package iouring

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller tells connections and listeners that they are readable or writable.
//
// It is an epoll instance of our own whose descriptor Go's netpoller watches in
// turn. So its goroutine is woken on the very thread that slept in the
// netpoller, readies all goroutines of a batch into the local run queue, parks,
// and the thread runs them: no hop to another thread, which a blocking ring
// thread cannot do without (RATIONALE: "Who waits for requests"). Against
// package net it saves the read that only finds EAGAIN, twice a request.
//
// Descriptors are watched edge-triggered, once for their life. An event names
// its target by slot and generation, so one that was in flight when the
// descriptor was closed reaches nobody.
type poller struct {
	epfd int
	file *os.File
	raw  syscall.RawConn

	mu    sync.Mutex
	slots []pollSlot
	free  []uint32
}

type pollSlot struct {
	target     pollTarget
	generation uint32
}

// pollTarget takes readiness. The call comes from the poller's goroutine and
// must not block.
type pollTarget interface {
	readiness(events uint32)
}

const (
	pollerBatch = 256 // events taken from the kernel at once

	pollEvents = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLPRI | unix.EPOLLET&0xffffffff
	hupEvents  = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// pollToken names a watched descriptor: slot below, generation above.
type pollToken uint64

func newPoller() (*poller, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("iouring: create epoll: %w", err)
	}
	if err := unix.SetNonblock(epfd, true); err != nil {
		_ = unix.Close(epfd)
		return nil, fmt.Errorf("iouring: create epoll: %w", err)
	}
	p := &poller{epfd: epfd, file: os.NewFile(uintptr(epfd), "iouring-poller")}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		_ = p.file.Close()
		return nil, fmt.Errorf("iouring: watch epoll: %w", err)
	}
	go p.run()
	return p, nil
}

// add watches fd for t until remove.
func (p *poller) add(fd int, t pollTarget) (pollToken, error) {
	p.mu.Lock()
	var slot uint32
	if n := len(p.free); n > 0 {
		slot = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		slot = uint32(len(p.slots))
		p.slots = append(p.slots, pollSlot{})
	}
	s := &p.slots[slot]
	s.target = t
	token := pollToken(s.generation)<<32 | pollToken(slot)
	p.mu.Unlock()

	ev := unix.EpollEvent{Events: pollEvents, Fd: int32(uint32(token)), Pad: int32(uint32(token >> 32))}
	if err := unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		p.release(token)
		return 0, os.NewSyscallError("epoll_ctl", err)
	}
	return token, nil
}

// remove stops watching fd, which must still be open.
func (p *poller) remove(fd int, token pollToken) {
	_ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_DEL, fd, nil)
	p.release(token)
}

func (p *poller) release(token pollToken) {
	p.mu.Lock()
	s := &p.slots[uint32(token)]
	s.target = nil
	s.generation++
	p.free = append(p.free, uint32(token))
	p.mu.Unlock()
}

// run works off events until the poller's file is closed.
func (p *poller) run() {
	var (
		events  [pollerBatch]unix.EpollEvent
		targets [pollerBatch]pollTarget
	)
	_ = p.raw.Read(func(fd uintptr) bool {
		for {
			n, err := unix.EpollWait(int(fd), events[:], 0)
			if err == unix.EINTR {
				continue
			}
			if n <= 0 {
				return false
			}
			p.resolve(events[:n], targets[:n])
			for i, t := range targets[:n] {
				if t != nil {
					t.readiness(events[i].Events)
				}
				targets[i] = nil
			}
			if n < len(events) {
				return false // a later event is a new edge for Go's netpoller
			}
		}
	})
}

func (p *poller) resolve(events []unix.EpollEvent, targets []pollTarget) {
	p.mu.Lock()
	for i := range events {
		s := &p.slots[uint32(events[i].Fd)]
		if s.generation == uint32(events[i].Pad) {
			targets[i] = s.target
		}
	}
	p.mu.Unlock()
}

// close ends the poller; nothing may be watched any more.
func (p *poller) close() error { return p.file.Close() }
