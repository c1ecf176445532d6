package sys

// Opcodes (IORING_OP_*).
const (
	OpReadFixed   uint8 = 4
	OpAsyncCancel uint8 = 14
	OpRead        uint8 = 22
	OpSend        uint8 = 26
	OpRecv        uint8 = 27
)

// SQEBufferSelect has the kernel choose a buffer of a group (IOSQE_*).
const SQEBufferSelect uint8 = 1 << 5

// Flags of io_uring_setup (IORING_SETUP_*).
const (
	SetupCQSize       uint32 = 1 << 3
	SetupClamp        uint32 = 1 << 4
	SetupSubmitAll    uint32 = 1 << 7
	SetupSingleIssuer uint32 = 1 << 12 // Linux 6.0
	SetupDeferTaskrun uint32 = 1 << 13 // Linux 6.1
)

// Features (IORING_FEAT_*).
const (
	FeatSingleMmap uint32 = 1 << 0
	FeatNoDrop     uint32 = 1 << 1
)

// EnterGetEvents has io_uring_enter work off completions (IORING_ENTER_*).
const EnterGetEvents uint32 = 1 << 0

// SQCQOverflow in the submission ring's flags says that completions are held
// back (IORING_SQ_CQ_OVERFLOW).
const SQCQOverflow uint32 = 1 << 1

// CQEventfdDisabled in the completion ring's flags keeps the kernel from
// signalling the registered eventfd (IORING_CQ_EVENTFD_DISABLED, Linux 5.8).
const CQEventfdDisabled uint32 = 1 << 0

// Flags of a completion (IORING_CQE_F_*).
const (
	CQEBuffer      uint32 = 1 << 0
	CQEMore        uint32 = 1 << 1
	CQEBufferShift        = 16
)

// RecvMultishot has one receive complete many times (IORING_RECV_MULTISHOT).
const RecvMultishot uint16 = 1 << 1

// Register opcodes (IORING_REGISTER_*).
const (
	RegisterBuffers  uint32 = 0
	RegisterEventfd  uint32 = 4
	RegisterPbufRing uint32 = 22
)

// Offsets to map a ring's parts at (IORING_OFF_*).
const (
	offSQRing int64 = 0
	offSQEs   int64 = 0x10000000
)
