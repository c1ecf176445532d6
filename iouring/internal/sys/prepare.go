package sys

import "unsafe"

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

// Cancel prepares the cancellation of the request with this user data.
func (e *SQE) Cancel(userData uint64) {
	e.Opcode, e.Fd, e.Addr = OpAsyncCancel, -1, userData
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
