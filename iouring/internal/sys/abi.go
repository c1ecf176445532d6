package sys

import "unsafe"

// SQE is struct io_uring_sqe. Fields that are unions in C have the name of
// their commonest meaning.
type SQE struct {
	Opcode   uint8
	Flags    uint8
	IoPrio   uint16
	Fd       int32
	Off      uint64 // offset, addr2
	Addr     uint64 // buffer, iovec, splice offset, user data to cancel
	Len      uint32
	OpFlags  uint32 // rw_flags, msg_flags, timeout_flags, accept_flags, cancel_flags, ...
	UserData uint64
	BufIndex uint16 // registered buffer, or buffer group with SQEBufferSelect
	Persona  uint16
	FileIdx  int32 // splice fd, direct descriptor, addr_len
	Addr3    uint64
	_        uint64
}

// CQE is struct io_uring_cqe.
type CQE struct {
	UserData uint64
	Res      int32
	Flags    uint32
}

// Params is struct io_uring_params.
type Params struct {
	SQEntries    uint32
	CQEntries    uint32
	Flags        uint32
	SQThreadCPU  uint32
	SQThreadIdle uint32 // milliseconds
	Features     uint32
	WQFd         uint32
	Resv         [3]uint32
	SQOff        SQOffsets
	CQOff        CQOffsets
}

// SQOffsets is struct io_sqring_offsets.
type SQOffsets struct {
	Head, Tail, RingMask, RingEntries, Flags, Dropped, Array, Resv1 uint32
	UserAddr                                                        uint64
}

// CQOffsets is struct io_cqring_offsets.
type CQOffsets struct {
	Head, Tail, RingMask, RingEntries, Overflow, CQEs, Flags, Resv1 uint32
	UserAddr                                                        uint64
}

// BufReg is struct io_uring_buf_reg.
type BufReg struct {
	RingAddr    uint64
	RingEntries uint32
	Bgid        uint16
	Flags       uint16
	Resv        [3]uint64
}

// Buf is struct io_uring_buf. In entry 0 of a buffer ring the last field is
// the ring's tail.
type Buf struct {
	Addr uint64
	Len  uint32
	Bid  uint16
	Tail uint16
}

// Sizes and offsets the kernel expects. A mismatch does not compile.
var (
	_ [64]byte  = [unsafe.Sizeof(SQE{})]byte{}
	_ [48]byte  = [unsafe.Offsetof(SQE{}.Addr3)]byte{}
	_ [16]byte  = [unsafe.Sizeof(CQE{})]byte{}
	_ [120]byte = [unsafe.Sizeof(Params{})]byte{}
	_ [40]byte  = [unsafe.Offsetof(Params{}.SQOff)]byte{}
	_ [80]byte  = [unsafe.Offsetof(Params{}.CQOff)]byte{}
	_ [40]byte  = [unsafe.Sizeof(BufReg{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(Buf{})]byte{}
	_ [14]byte  = [unsafe.Offsetof(Buf{}.Tail)]byte{}
)
