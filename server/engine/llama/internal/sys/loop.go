package sys

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// DecodeLoop is the calls of a context's decode loop with their arguments laid
// out in advance: arguments listed in a call would be allocated each time. It
// belongs to one goroutine.
type DecodeLoop struct {
	lib    *Library
	batch  *Batch
	decode [registers + 7]uintptr // context, registers not used, batch
	logits [2]uintptr             // context, row
}

// NewDecodeLoop makes the calls for a context and the one batch it decodes.
func (l *Library) NewDecodeLoop(c Context, b *Batch) *DecodeLoop {
	d := &DecodeLoop{lib: l, batch: b}
	d.decode[0], d.logits[0] = uintptr(c), uintptr(c)
	return d
}

// Results of Decode. Others are failures.
const (
	DecodeOK      = 0
	DecodeNoSpace = 1
	DecodeAborted = 2
)

// Decode runs the batch and returns when it is computed: llama_decode itself does not
// wait for a GPU, so one that hangs would show in Logits or Sample.
func (d *DecodeLoop) Decode() int32 {
	copy(d.decode[registers:], words(d.batch))
	r, _, _ := purego.SyscallN(d.lib.c.decode, d.decode[:]...)
	purego.SyscallN(d.lib.c.synchronize, d.decode[:1]...)
	return int32Of(r)
}

// Logits returns the logits of a row of the last batch, nil if it has none.
func (d *DecodeLoop) Logits(row int32) unsafe.Pointer {
	d.logits[1] = uintptr(row)
	r, _, _ := purego.SyscallN(d.lib.c.logits, d.logits[:]...)
	return Pointer(r)
}
