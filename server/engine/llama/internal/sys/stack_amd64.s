#include "textflag.h"
#include "go_asm.h"

// uintptr onStack(struct tokenizeCall *c), called by C's rules: it calls c->fn
// with the arguments that follow and two of false, on the stack that ends at
// c->top, and returns what that returns.
//
// BX and BP are the callee's to keep, so they outlive the call inside: BP holds
// the caller's stack.
TEXT ·onStack(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BP
	PUSHQ BX
	MOVQ  SP, BP
	MOVQ  DI, BX
	MOVQ  tokenizeCall_top(BX), SP
	SUBQ  $16, SP                       // of which the seventh argument takes half
	MOVQ  $0, 0(SP)
	MOVQ  tokenizeCall_vocab(BX), DI
	MOVQ  tokenizeCall_text(BX), SI
	MOVQ  tokenizeCall_textBytes(BX), DX
	MOVQ  tokenizeCall_dst(BX), CX
	MOVQ  tokenizeCall_dstTokens(BX), R8
	XORL  R9, R9
	MOVQ  tokenizeCall_fn(BX), AX
	CALL  AX
	MOVQ  BP, SP
	POPQ  BX
	POPQ  BP
	RET

// The address of the code itself: in Go the name stands for a wrapper.
DATA  ·onStackAddress(SB)/8, $·onStack(SB)
GLOBL ·onStackAddress(SB), NOPTR|RODATA, $8
