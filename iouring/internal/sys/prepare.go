package sys

import "unsafe"

// Accept prepares IORING_OP_ACCEPT, multishot: a completion for each
// connection until one comes without CQEMore. flags are SOCK_*.
func (e *SQE) Accept(fd int, flags uint32) {
	e.Opcode, e.Fd, e.OpFlags, e.IoPrio = OpAccept, int32(fd), flags, AcceptMultishot
}

// Recv prepares a multishot receive into buffers of group bgid.
func (e *SQE) Recv(fd int, bgid uint16) {
	e.Opcode, e.Fd, e.IoPrio = OpRecv, int32(fd), RecvMultishot
	e.Flags, e.BufIndex = SQEBufferSelect, bgid
}

// Send prepares a send of n bytes at p. The memory must stay where it is and
// unchanged until the completion.
func (e *SQE) Send(fd int, p unsafe.Pointer, n int, msgFlags uint32) {
	e.Opcode, e.Fd, e.Addr, e.Len, e.OpFlags = OpSend, int32(fd), uint64(uintptr(p)), uint32(n), msgFlags
}

// Poll prepares a one-shot poll for mask (POLLIN, POLLOUT, ...).
func (e *SQE) Poll(fd int, mask uint32) {
	e.Opcode, e.Fd, e.OpFlags = OpPollAdd, int32(fd), mask
}

// Cancel prepares the cancellation of the request with this user data.
func (e *SQE) Cancel(userData uint64) {
	e.Opcode, e.Fd, e.Addr = OpAsyncCancel, -1, userData
}

// CancelFile prepares the cancellation of every request on fd.
func (e *SQE) CancelFile(fd int) {
	e.Opcode, e.Fd, e.OpFlags = OpAsyncCancel, int32(fd), CancelFd|CancelAll
}

// Read prepares a positioned read of n bytes to p.
func (e *SQE) Read(fd int, p unsafe.Pointer, n int, off int64) {
	e.Opcode, e.Fd, e.Addr, e.Len, e.Off = OpRead, int32(fd), uint64(uintptr(p)), uint32(n), uint64(off)
}

// ReadFixed is Read into registered buffer index.
func (e *SQE) ReadFixed(fd int, p unsafe.Pointer, n int, off int64, index uint16) {
	e.Read(fd, p, n, off)
	e.Opcode, e.BufIndex = OpReadFixed, index
}

// Timeout prepares a timeout; t must stay until the completion. count 0 is a
// pure timer.
func (e *SQE) Timeout(t *Timespec, count uint32, flags uint32) {
	e.Opcode, e.Fd, e.Addr, e.Len, e.Off, e.OpFlags = OpTimeout, -1, uint64(uintptr(unsafe.Pointer(t))), 1, uint64(count), flags
}

// LinkTimeout prepares a timeout for the request before it, which carries
// SQELink.
func (e *SQE) LinkTimeout(t *Timespec, flags uint32) {
	e.Opcode, e.Fd, e.Addr, e.Len, e.OpFlags = OpLinkTimeout, -1, uint64(uintptr(unsafe.Pointer(t))), 1, flags
}

// Nop prepares a request that completes at once with result 0.
func (e *SQE) Nop() { e.Opcode, e.Fd = OpNop, -1 }
