//go:build giouring

package conformance

import (
	"reflect"

	"github.com/pawelgaczynski/giouring"
)

// newer are the constants that giouring does not have, or does not export.
var newer = []string{
	"OpReadMultishot",    // Linux 6.7
	"FeatRecvSendBundle", // Linux 6.10
	"FeatMinTimeout",     // Linux 6.12
	"offSQRing", "offSQEs",
}

// constants are giouring's, by the names that we have for them. A name that we
// no longer have does no harm.
var constants = map[string]uint64{
	"OpNop":            uint64(giouring.OpNop),
	"OpReadv":          uint64(giouring.OpReadv),
	"OpWritev":         uint64(giouring.OpWritev),
	"OpFsync":          uint64(giouring.OpFsync),
	"OpReadFixed":      uint64(giouring.OpReadFixed),
	"OpWriteFixed":     uint64(giouring.OpWriteFixed),
	"OpPollAdd":        uint64(giouring.OpPollAdd),
	"OpPollRemove":     uint64(giouring.OpPollRemove),
	"OpSyncFileRange":  uint64(giouring.OpSyncFileRange),
	"OpSendmsg":        uint64(giouring.OpSendmsg),
	"OpRecvmsg":        uint64(giouring.OpRecvmsg),
	"OpTimeout":        uint64(giouring.OpTimeout),
	"OpTimeoutRemove":  uint64(giouring.OpTimeoutRemove),
	"OpAccept":         uint64(giouring.OpAccept),
	"OpAsyncCancel":    uint64(giouring.OpAsyncCancel),
	"OpLinkTimeout":    uint64(giouring.OpLinkTimeout),
	"OpConnect":        uint64(giouring.OpConnect),
	"OpFallocate":      uint64(giouring.OpFallocate),
	"OpOpenat":         uint64(giouring.OpOpenat),
	"OpClose":          uint64(giouring.OpClose),
	"OpFilesUpdate":    uint64(giouring.OpFilesUpdate),
	"OpStatx":          uint64(giouring.OpStatx),
	"OpRead":           uint64(giouring.OpRead),
	"OpWrite":          uint64(giouring.OpWrite),
	"OpFadvise":        uint64(giouring.OpFadvise),
	"OpMadvise":        uint64(giouring.OpMadvise),
	"OpSend":           uint64(giouring.OpSend),
	"OpRecv":           uint64(giouring.OpRecv),
	"OpOpenat2":        uint64(giouring.OpOpenat2),
	"OpEpollCtl":       uint64(giouring.OpEpollCtl),
	"OpSplice":         uint64(giouring.OpSplice),
	"OpProvideBuffers": uint64(giouring.OpProvideBuffers),
	"OpRemoveBuffers":  uint64(giouring.OpRemoveBuffers),
	"OpTee":            uint64(giouring.OpTee),
	"OpShutdown":       uint64(giouring.OpShutdown),
	"OpRenameat":       uint64(giouring.OpRenameat),
	"OpUnlinkat":       uint64(giouring.OpUnlinkat),
	"OpMkdirat":        uint64(giouring.OpMkdirat),
	"OpSymlinkat":      uint64(giouring.OpSymlinkat),
	"OpLinkat":         uint64(giouring.OpLinkat),
	"OpMsgRing":        uint64(giouring.OpMsgRing),
	"OpFsetxattr":      uint64(giouring.OpFsetxattr),
	"OpSetxattr":       uint64(giouring.OpSetxattr),
	"OpFgetxattr":      uint64(giouring.OpFgetxattr),
	"OpGetxattr":       uint64(giouring.OpGetxattr),
	"OpSocket":         uint64(giouring.OpSocket),
	"OpUringCmd":       uint64(giouring.OpUringCmd),
	"OpSendZC":         uint64(giouring.OpSendZC),
	"OpSendmsgZC":      uint64(giouring.OpSendMsgZC),

	"SQEFixedFile":      uint64(giouring.SqeFixedFile),
	"SQEDrain":          uint64(giouring.SqeIODrain),
	"SQELink":           uint64(giouring.SqeIOLink),
	"SQEHardlink":       uint64(giouring.SqeIOHardlink),
	"SQEAsync":          uint64(giouring.SqeAsync),
	"SQEBufferSelect":   uint64(giouring.SqeBufferSelect),
	"SQECQESkipSuccess": uint64(giouring.SqeCQESkipSuccess),

	"SetupSQPoll":       uint64(giouring.SetupSQPoll),
	"SetupCQSize":       uint64(giouring.SetupCQSize),
	"SetupClamp":        uint64(giouring.SetupClamp),
	"SetupSubmitAll":    uint64(giouring.SetupSubmitAll),
	"SetupCoopTaskrun":  uint64(giouring.SetupCoopTaskrun),
	"SetupSingleIssuer": uint64(giouring.SetupSingleIssuer),
	"SetupDeferTaskrun": uint64(giouring.SetupDeferTaskrun),

	"FeatSingleMmap": uint64(giouring.FeatSingleMMap),
	"FeatNoDrop":     uint64(giouring.FeatNoDrop),
	"FeatExtArg":     uint64(giouring.FeatExtArg),

	"EnterGetEvents":    uint64(giouring.EnterGetEvents),
	"EnterExtArg":       uint64(giouring.EnterExtArg),
	"SQCQOverflow":      uint64(giouring.SQCQOverflow),
	"CQEventfdDisabled": uint64(giouring.CQEventFdDisabled),

	"CQEBuffer":       uint64(giouring.CQEFBuffer),
	"CQEMore":         uint64(giouring.CQEFMore),
	"CQESockNonEmpty": uint64(giouring.CQEFSockNonempty),
	"CQEBufferShift":  uint64(giouring.CQEBufferShift),

	"AcceptMultishot": uint64(giouring.AcceptMultishot),
	"RecvPollFirst":   uint64(giouring.RecvsendPollFirst),
	"RecvMultishot":   uint64(giouring.RecvMultishot),
	"CancelAll":       uint64(giouring.AsyncCancelAll),
	"CancelFd":        uint64(giouring.AsyncCancelFd),
	"CancelAny":       uint64(giouring.AsyncCancelAny),
	"TimeoutAbs":      uint64(giouring.TimeoutAbs),

	"RegisterBuffers":    uint64(giouring.RegisterBuffers),
	"UnregisterBuffers":  uint64(giouring.UnregisterBuffers),
	"RegisterEventfd":    uint64(giouring.RegisterEventFD),
	"RegisterProbe":      uint64(giouring.RegisterProbe),
	"RegisterPbufRing":   uint64(giouring.RegisterPbufRing),
	"UnregisterPbufRing": uint64(giouring.UnregisterPbufRing),
	"RegisterSyncCancel": uint64(giouring.RegisterSyncCancel),
}

// structs are giouring's, by our names, and the fields that both have, ours
// first where they differ.
var structs = []struct {
	name   string
	theirs reflect.Type
	fields string
}{
	{"SQE", reflect.TypeFor[giouring.SubmissionQueueEntry](), "Opcode=OpCode Flags IoPrio Fd Off Addr Len OpFlags=OpcodeFlags UserData " +
		"BufIndex=BufIG Persona=Personality FileIdx=SpliceFdIn Addr3"},
	{"CQE", reflect.TypeFor[giouring.CompletionQueueEvent](), "UserData Res Flags"},
	{"Params", reflect.TypeFor[giouring.Params](), "SQEntries=sqEntries CQEntries=cqEntries Flags=flags SQThreadCPU=sqThreadCPU " +
		"SQThreadIdle=sqThreadIdle Features=features WQFd=wqFd Resv=resv SQOff=sqOff CQOff=cqOff"},
	{"SQOffsets", reflect.TypeFor[giouring.SQRingOffsets](), "Head=head Tail=tail RingMask=ringMask RingEntries=ringEntries Flags=flags " +
		"Dropped=dropped Array=array UserAddr=userAddr"},
	{"CQOffsets", reflect.TypeFor[giouring.CQRingOffsets](), "Head=head Tail=tail RingMask=ringMask RingEntries=ringEntries " +
		"Overflow=overflow CQEs=cqes Flags=flags UserAddr=userAddr"},
	// MinWaitMicros is padding there.
	{"EventsArg", reflect.TypeFor[giouring.GetEventsArg](), "SigMask=sigMask SigMaskBytes=sigMaskSz MinWaitMicros=pad Timespec=ts"},
	{"BufReg", reflect.TypeFor[giouring.BufReg](), "RingAddr RingEntries Bgid Flags=Pad Resv"},
	{"Buf", reflect.TypeFor[giouring.BufAndRing](), "Addr Len Bid Tail"},
	{"ProbeOp", reflect.TypeFor[giouring.ProbeOp](), "Op Resv=Res Flags Resv2=Res2"},
	{"Probe", reflect.TypeFor[giouring.Probe](), "LastOp OpsLen Resv=Res Resv2=Res2 Ops"},
	// Its opcode, of Linux 6.6, is padding there.
	{"SyncCancelReg", reflect.TypeFor[giouring.SyncCancelReg](), "Addr Fd Flags Timeout"},
}
