package iouring

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// minKernel is the first kernel with everything that the ring threads need:
// IORING_SETUP_DEFER_TASKRUN came with 6.1.
const minKernel = "Linux 6.1"

// Features is what this kernel and this process's permissions offer. The zero
// value offers nothing. It is a plain value, safe to copy.
type Features struct {
	Kernel    string // uname -r
	Available bool   // io_uring_setup works at all

	DeferTaskrun     bool // completions are worked off only inside enter (Linux 6.1)
	SingleIssuer     bool // one submitting thread (Linux 6.0)
	ExtArg           bool // enter with a timeout (Linux 5.11)
	NoDrop           bool // completions survive an overflowing queue (Linux 5.5)
	BufferRings      bool // provided-buffer rings (Linux 5.19)
	MultishotAccept  bool // one request, many connections (Linux 5.19)
	MultishotReceive bool // one request, many receives (Linux 6.0)
	MsgRing          bool // wake one ring from another (Linux 5.18)
	SyncCancel       bool // cancel and wait in one call (Linux 6.0)
	SendZeroCopy     bool // IORING_OP_SEND_ZC (Linux 6.0)
	MinTimeout       bool // batch wait inside enter (Linux 6.12)
	Bundle           bool // one send or receive over many buffers (Linux 6.10)
	FixedBuffers     bool // registered buffers (Linux 5.1)

	ops [256]bool
}

// Feature is one line of Features.List.
type Feature struct {
	Name     string
	Present  bool
	Required bool   // the io_uring path needs it; without it package net serves
	Needs    string // first kernel that has it
	Use      string // what Weir does with it
}

// List gives every feature with its meaning, in a fixed order, for a report.
func (f Features) List() []Feature {
	return []Feature{
		{"io_uring", f.Available, true, "Linux 5.1", "everything below"},
		{"defer taskrun", f.DeferTaskrun, true, "Linux 6.1", "a ring thread wakes once a batch"},
		{"single issuer", f.SingleIssuer, true, "Linux 6.0", "cheaper submission"},
		{"enter with timeout", f.ExtArg, true, "Linux 5.11", "waiting with a deadline"},
		{"no dropped completions", f.NoDrop, true, "Linux 5.5", "completion queue overflow loses nothing"},
		{"buffer rings", f.BufferRings, true, "Linux 5.19", "idle connections pin no buffer"},
		{"multishot accept", f.MultishotAccept, true, "Linux 5.19", "one request accepts all connections"},
		{"multishot receive", f.MultishotReceive, true, "Linux 6.0", "one request receives for a connection's life"},
		{"registered buffers", f.FixedBuffers, false, "Linux 5.1", "weights are read without pinning pages again"},
		{"message ring", f.MsgRing, false, "Linux 5.18", "ring threads wake each other"},
		{"synchronous cancel", f.SyncCancel, false, "Linux 6.0", "requests are gone before close"},
		{"zero-copy send", f.SendZeroCopy, false, "Linux 6.0", "not used: frames are small"},
		{"send bundle", f.Bundle, false, "Linux 6.10", "not used yet"},
		{"minimum wait", f.MinTimeout, false, "Linux 6.12", "not used yet"},
	}
}

// Supports reports whether the kernel knows opcode op (IORING_OP_*).
func (f Features) Supports(op uint8) bool { return f.ops[op] }

// Missing returns an error for the first required feature that is absent, nil
// if the io_uring path can run.
func (f Features) Missing() error {
	for _, x := range f.List() {
		if x.Required && !x.Present {
			return &UnsupportedError{Feature: x.Name, Needs: x.Needs, Remedy: "use a newer kernel, or run with WEIR_IO=net"}
		}
	}
	return nil
}

// Probe asks the kernel what it offers by setting rings up and trying things
// on socket pairs; it takes under a millisecond and leaves nothing behind. The
// error is an *UnsupportedError where io_uring is absent, forbidden by seccomp
// or switched off, and says what to do; Features then holds what is known. A
// kernel that has io_uring but lacks something required gives no error here:
// see Features.Missing.
func Probe() (Features, error) {
	runtime.LockOSThread() // a single-issuer ring belongs to the thread
	defer runtime.UnlockOSThread()
	f := Features{Kernel: kernelRelease()}
	ring, err := sys.Setup(8, sys.Params{})
	if err != nil {
		return f, setupError(err)
	}
	defer ring.Close()
	f.Available = true
	features := ring.Params().Features
	f.ExtArg = features&sys.FeatExtArg != 0
	f.NoDrop = features&sys.FeatNoDrop != 0
	f.MinTimeout = features&sys.FeatMinTimeout != 0
	f.Bundle = features&sys.FeatRecvSendBundle != 0
	f.SingleIssuer = setupWorks(sys.SetupSingleIssuer)
	f.DeferTaskrun = setupWorks(sys.SetupSingleIssuer | sys.SetupDeferTaskrun)
	f.probeOps(ring)
	f.MsgRing = f.ops[sys.OpMsgRing]
	f.SendZeroCopy = f.ops[sys.OpSendZC]
	f.FixedBuffers = f.ops[sys.OpReadFixed]
	f.SyncCancel = syncCancelWorks(ring)
	f.BufferRings, f.MultishotReceive = multishotReceiveWorks(ring)
	f.MultishotAccept = multishotAcceptWorks(ring)
	return f, nil
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

func setupWorks(flags uint32) bool {
	ring, err := sys.Setup(2, sys.Params{Flags: flags})
	if err != nil {
		return false
	}
	_ = ring.Close()
	return true
}

func (f *Features) probeOps(ring *sys.Ring) {
	var probe sys.Probe
	if _, err := ring.Register(sys.RegisterProbe, unsafe.Pointer(&probe), uint32(len(probe.Ops))); err != nil {
		return // before Linux 5.6: no probe, and far from what is required
	}
	for _, op := range probe.Ops[:probe.OpsLen] {
		f.ops[op.Op] = op.Flags&1 != 0 // IO_URING_OP_SUPPORTED
	}
}

// syncCancelWorks cancels a request that does not exist: ENOENT means the
// kernel knows how, EINVAL that it does not.
func syncCancelWorks(ring *sys.Ring) bool {
	reg := sys.SyncCancelReg{Addr: 1, Fd: -1, Timeout: sys.Timespec{Sec: -1, Nsec: -1}}
	_, err := ring.Register(sys.RegisterSyncCancel, unsafe.Pointer(&reg), 1)
	return err == nil || err == syscall.ENOENT
}

// multishotReceiveWorks receives one byte from a socket pair by multishot into
// a buffer ring; CQEMore on the completion says that the request lives on.
func multishotReceiveWorks(ring *sys.Ring) (buffers, multishot bool) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, false
	}
	bufs, err := sys.NewBufRing(ring, 0, 2, 64, 0)
	if err != nil {
		_ = unix.Close(pair[0])
		_ = unix.Close(pair[1])
		return false, false
	}
	_, _ = unix.Write(pair[1], []byte{1})
	ring.Next().Recv(pair[0], 0)
	c := submitOne(ring)
	multishot = c.Res == 1 && c.Flags&sys.CQEMore != 0
	_ = unix.Close(pair[1]) // end of file ends the multishot
	if multishot {
		_ = submitOne(ring)
	}
	_ = unix.Close(pair[0])
	_ = bufs.Close()
	return true, multishot
}

// multishotAcceptWorks accepts one connection of an autobound abstract unix
// socket.
func multishotAcceptWorks(ring *sys.Ring) bool {
	const kind = unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	ln, err := unix.Socket(unix.AF_UNIX, kind, 0)
	if err != nil {
		return false
	}
	defer unix.Close(ln)
	if unix.Bind(ln, &unix.SockaddrUnix{}) != nil || unix.Listen(ln, 1) != nil {
		return false
	}
	name, err := unix.Getsockname(ln)
	if err != nil {
		return false
	}
	peer, err := unix.Socket(unix.AF_UNIX, kind, 0)
	if err != nil {
		return false
	}
	defer unix.Close(peer)
	if unix.Connect(peer, name) != nil {
		return false
	}
	ring.Next().Accept(ln, unix.SOCK_CLOEXEC)
	c := submitOne(ring)
	if c.Res < 0 {
		return false
	}
	_ = unix.Close(int(c.Res))
	if c.Flags&sys.CQEMore == 0 {
		return false
	}
	ring.Next().CancelFile(ln)
	_ = submitOne(ring) // the cancellation's and the accept's completions, in either order
	_ = submitOne(ring)
	return true
}

// submitOne submits what is prepared and waits for one completion. Every
// request it is used for completes at once or has been made to.
func submitOne(ring *sys.Ring) sys.CQE {
	for ring.Ready() == 0 {
		if _, err := ring.Enter(1, nil); err != nil && err != syscall.EINTR {
			return sys.CQE{Res: -1}
		}
	}
	c := ring.Completion(0)
	ring.Advance(1)
	return c
}
