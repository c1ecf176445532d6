//go:build goexperiment.schedhook

package record

import (
	"runtime/schedhook"
	"sync/atomic"

	"github.com/weirgo/weir/ggroup"
)

// hooked is the runtime of our toolchain. Its events have this package's numbers.
type hooked struct{}

func theSource() source { return hooked{} }

func (hooked) supported() (bool, string) { return true, "" }

func (hooked) subscribe(deliver func([]Record, uint64)) (subscription, error) {
	var sub atomic.Pointer[schedhook.Subscription] // nil until Register has returned
	var batch []Record                             // calls come one at a time
	s, err := schedhook.Register(schedhook.Hooks{OnRecords: func(records []schedhook.Record) {
		batch = batch[:0]
		for i := range records {
			r := &records[i]
			batch = append(batch, Record{Time: r.Time, G: r.G, Arg: r.Arg, Group: r.Group, P: r.P, Event: Event(r.Event), Reason: r.Reason})
		}
		lost := uint64(0)
		if s := sub.Load(); s != nil {
			lost = s.Lost()
		}
		deliver(batch, lost)
	}})
	if err != nil {
		return nil, err
	}
	sub.Store(s)
	return s, nil
}

func (hooked) now() int64 { return schedhook.Now() }

func (hooked) groups() map[int32]string {
	names := map[int32]string{}
	for _, g := range ggroup.Groups() {
		names[g.ID()] = g.Name()
	}
	return names
}

func (hooked) reason(reason uint8) string { return schedhook.ReasonString(reason) }
func (hooked) stop(reason uint64) string  { return schedhook.STWReasonString(reason) }
func (hooked) goroutine() uint64          { return schedhook.Goid() }

// The numbers are the same: each difference is 0, or this does not compile.
const _ = uint(0) -
	(uint(GoStart^Event(schedhook.GoStart)) | uint(Ready^Event(schedhook.Ready)) | uint(Run^Event(schedhook.Run)) |
		uint(Preempt^Event(schedhook.Preempt)) | uint(Park^Event(schedhook.Park)) | uint(Exit^Event(schedhook.Exit)) |
		uint(SyscallEnter^Event(schedhook.SyscallEnter)) | uint(SyscallExit^Event(schedhook.SyscallExit)) |
		uint(AssistStart^Event(schedhook.AssistStart)) | uint(AssistEnd^Event(schedhook.AssistEnd)) |
		uint(GCStart^Event(schedhook.GCStart)) | uint(GCMarkDone^Event(schedhook.GCMarkDone)) | uint(GCEnd^Event(schedhook.GCEnd)) |
		uint(STWStart^Event(schedhook.STWStart)) | uint(STWEnd^Event(schedhook.STWEnd)) | uint(Yielded^schedhook.Yielded))
