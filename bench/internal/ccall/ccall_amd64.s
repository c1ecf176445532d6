#include "textflag.h"

// computeC(steps uint64, endedAt *uint64) follows the C ABI: arguments in DI
// and SI. It computes, notes the time-stamp counter as its last act, and uses
// registers only that the caller does not expect back.
TEXT ·computeC(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $1, AX
	MOVQ $0x9e3779b97f4a7c15, CX
loop:
	MOVQ  AX, DX
	SHRQ  $29, DX
	XORQ  DX, AX
	IMULQ CX, AX
	SUBQ  $1, DI
	JNZ   loop

	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, (SI)
	XORL AX, AX
	RET

DATA ·computeAddress(SB)/8, $·computeC(SB)
GLOBL ·computeAddress(SB), NOPTR|RODATA, $8

// func cycles() uint64
TEXT ·cycles(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET
