package sys

// Opcodes (IORING_OP_*).
const (
	OpNop uint8 = iota
	OpReadv
	OpWritev
	OpFsync
	OpReadFixed
	OpWriteFixed
	OpPollAdd
	OpPollRemove
	OpSyncFileRange
	OpSendmsg
	OpRecvmsg
	OpTimeout
	OpTimeoutRemove
	OpAccept
	OpAsyncCancel
	OpLinkTimeout
	OpConnect
	OpFallocate
	OpOpenat
	OpClose
	OpFilesUpdate
	OpStatx
	OpRead
	OpWrite
	OpFadvise
	OpMadvise
	OpSend
	OpRecv
	OpOpenat2
	OpEpollCtl
	OpSplice
	OpProvideBuffers
	OpRemoveBuffers
	OpTee
	OpShutdown
	OpRenameat
	OpUnlinkat
	OpMkdirat
	OpSymlinkat
	OpLinkat
	OpMsgRing
	OpFsetxattr
	OpSetxattr
	OpFgetxattr
	OpGetxattr
	OpSocket
	OpUringCmd
	OpSendZC
	OpSendmsgZC
	OpReadMultishot // Linux 6.7
)

// Flags of a submission (IOSQE_*).
const (
	SQEFixedFile uint8 = 1 << iota
	SQEDrain
	SQELink
	SQEHardlink
	SQEAsync
	SQEBufferSelect
	SQECQESkipSuccess
)

// Flags of io_uring_setup (IORING_SETUP_*).
const (
	SetupSQPoll       uint32 = 1 << 1
	SetupCQSize       uint32 = 1 << 3
	SetupClamp        uint32 = 1 << 4
	SetupSubmitAll    uint32 = 1 << 7
	SetupCoopTaskrun  uint32 = 1 << 8
	SetupSingleIssuer uint32 = 1 << 12 // Linux 6.0
	SetupDeferTaskrun uint32 = 1 << 13 // Linux 6.1
)

// Features (IORING_FEAT_*).
const (
	FeatSingleMmap     uint32 = 1 << 0
	FeatNoDrop         uint32 = 1 << 1
	FeatExtArg         uint32 = 1 << 8
	FeatRecvSendBundle uint32 = 1 << 14 // Linux 6.10
	FeatMinTimeout     uint32 = 1 << 15 // Linux 6.12
)

// Flags of io_uring_enter (IORING_ENTER_*).
const (
	EnterGetEvents uint32 = 1 << 0
	EnterExtArg    uint32 = 1 << 3
)

// Flags in the mapped submission ring (IORING_SQ_*).
const SQCQOverflow uint32 = 1 << 1

// CQEventfdDisabled in the completion ring's flags keeps the kernel from
// signalling the registered eventfd (IORING_CQ_EVENTFD_DISABLED, Linux 5.8).
const CQEventfdDisabled uint32 = 1 << 0

// Flags of a completion (IORING_CQE_F_*).
const (
	CQEBuffer       uint32 = 1 << 0
	CQEMore         uint32 = 1 << 1
	CQESockNonEmpty uint32 = 1 << 2
	CQEBufferShift         = 16
)

// Request modifiers.
const (
	AcceptMultishot uint16 = 1 << 0
	RecvPollFirst   uint16 = 1 << 0
	RecvMultishot   uint16 = 1 << 1

	CancelAll uint32 = 1 << 0
	CancelFd  uint32 = 1 << 1
	CancelAny uint32 = 1 << 2

	TimeoutAbs uint32 = 1 << 0
)

// Register opcodes (IORING_REGISTER_*).
const (
	RegisterBuffers    uint32 = 0
	UnregisterBuffers  uint32 = 1
	RegisterEventfd    uint32 = 4
	RegisterProbe      uint32 = 8
	RegisterPbufRing   uint32 = 22
	UnregisterPbufRing uint32 = 23
	RegisterSyncCancel uint32 = 24
)

// Offsets to map a ring's parts at (IORING_OFF_*).
const (
	offSQRing int64 = 0
	offSQEs   int64 = 0x10000000
)
