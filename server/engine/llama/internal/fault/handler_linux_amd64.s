#include "textflag.h"

// func entry() uintptr
TEXT ·entry(SB), NOSPLIT, $0-8
	LEAQ handler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// handler is a C function, void (int signal, siginfo_t *, void *context), that
// the kernel calls with its arguments in DI, SI and DX. All registers are given
// back by the return from the signal, so none has to be kept, except the
// arguments where the previous handler is to get them.
//
// siginfo_t: si_code at 8, si_addr at 16. span: lo at 0, hi at 8, lost at 16.
TEXT handler<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVL 8(SI), AX
	CMPL AX, $2 // BUS_ADRERR: nothing is there
	JNE  pass
	MOVQ 16(SI), R8
	LEAQ ·spans(SB), R9
	MOVL $64, CX // MaxRanges
look:
	CMPQ R8, 0(R9)
	JCS  next
	CMPQ R8, 8(R9)
	JCS  found
next:
	ADDQ $24, R9
	DECL CX
	JNZ  look
	CMPQ ·mapping(SB), $0
	JNE  die
pass:
	MOVQ ·previous(SB), AX
	JMP  AX

found:
	MOVQ $1, 16(R9)
	// mmap(page, hi-page, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0)
	MOVQ R8, DI
	ANDQ $~4095, DI
	MOVQ 8(R9), SI
	SUBQ DI, SI
	MOVL $1, DX
	MOVL $0x32, R10
	MOVQ $-1, R8
	XORL R9, R9
	MOVL $9, AX
	SYSCALL
	CMPQ AX, $-4095
	JCC  die
	RET

die:
	// write(2, farewell), exit_group(1)
	MOVL $2, DI
	MOVQ ·farewell+0(SB), SI
	MOVQ ·farewell+8(SB), DX
	MOVL $1, AX
	SYSCALL
	MOVL $1, DI
	MOVL $231, AX
	SYSCALL
	INT  $3
