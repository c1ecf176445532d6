package sys

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// Stack is memory for a C call to run on. The tokenizer recurses for every
// character of a run of like ones, and a thread's own stack is as large as the
// environment (ulimit -s) happened to make it.
//
// A stack serves one call at a time. Running off its end is a fault at a guard
// page, which ends the process: the caller bounds the text. The Go runtime knows
// nothing of it, so what runs there must not call back into Go; of the library's
// tokenizer that is true, which logs nothing but where it adds tokens of its own.
type Stack struct {
	memory []byte
	call   *tokenizeCall
	args   [1]uintptr // of onStack: call, laid out in advance
}

// tokenizeCall is what onStack is told: llama_tokenize and its arguments, and
// where the stack ends.
type tokenizeCall struct {
	top, fn   uintptr
	vocab     Vocab
	text      *byte
	textBytes uintptr
	dst       *int32
	dstTokens uintptr
}

// onStackAddress is the address of the C function onStack.
var onStackAddress uintptr

const (
	guardBytes = 64 << 10
	// keptBytes is how much memory a stack holds on to between calls.
	keptBytes = 256 << 10
)

// NewStack reserves a stack. A page of it costs memory once it is used.
func NewStack(bytes int) (*Stack, error) {
	memory, err := unix.Mmap(-1, 0, bytes+guardBytes, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|unix.MAP_STACK)
	if err == nil {
		err = unix.Mprotect(memory[:guardBytes], unix.PROT_NONE)
	}
	if err != nil {
		return nil, fmt.Errorf("reserve a stack of %d bytes: %w", bytes, err)
	}
	unix.Madvise(memory, unix.MADV_NOHUGEPAGE) // or the first use takes 2 MiB; kernels without it do not
	s := &Stack{memory: memory, call: new(tokenizeCall)}
	s.call.top = uintptr(unsafe.Pointer(unsafe.SliceData(memory))) + uintptr(len(memory))
	s.args[0] = uintptr(unsafe.Pointer(s.call))
	return s, nil
}

// Trim gives back what a deep call has used.
func (s *Stack) Trim() {
	unix.Madvise(s.memory[guardBytes:len(s.memory)-keptBytes], unix.MADV_DONTNEED)
}

// Close frees the stack.
func (s *Stack) Close() { unix.Munmap(s.memory) }

// Tokenize is [Library.Tokenize] of raw text: without tokens of the library's
// own, and control tokens are text. It does not allocate.
func (s *Stack) Tokenize(l *Library, v Vocab, text string, dst []int32) int32 {
	c := s.call
	c.fn, c.vocab = l.c.tokenize, v
	c.text, c.textBytes = unsafe.StringData(text), uintptr(len(text))
	c.dst, c.dstTokens = unsafe.SliceData(dst), uintptr(len(dst))
	r, _, _ := purego.SyscallN(onStackAddress, s.args[:]...)
	c.text, c.dst = nil, nil
	return int32Of(r)
}
