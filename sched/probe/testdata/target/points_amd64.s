#include "textflag.h"

// Probe points as the runtime has them: they begin with a nop of 5 bytes, have their
// arguments in AX, BX, CX and DX, and may be entered without a word of stack to spare.
#define POINT(name) \
TEXT name(SB), NOSPLIT|NOFRAME, $0-0; \
	BYTE $0x0f; BYTE $0x1f; BYTE $0x44; BYTE $0x00; BYTE $0x00; \
	RET

POINT(·pointStart)
POINT(·pointReady)
POINT(·pointRun)
POINT(·pointPreempt)
POINT(·pointPark)
POINT(·pointExit)
POINT(·pointSyscallEnter)
POINT(·pointSyscallExit)
POINT(·pointGC)
POINT(·pointSTWStart)
POINT(·pointSTWEnd)

#define FIRE(name, point) \
TEXT name(SB), NOSPLIT, $32-32; \
	MOVQ goid+0(FP), AX; \
	MOVQ group+8(FP), BX; \
	MOVQ arg+16(FP), CX; \
	MOVQ p+24(FP), DX; \
	CALL point(SB); \
	RET

FIRE(·fireStart, ·pointStart)
FIRE(·fireReady, ·pointReady)
FIRE(·fireRun, ·pointRun)
FIRE(·firePreempt, ·pointPreempt)
FIRE(·firePark, ·pointPark)
FIRE(·fireExit, ·pointExit)
FIRE(·fireSyscallEnter, ·pointSyscallEnter)
FIRE(·fireSyscallExit, ·pointSyscallExit)
FIRE(·fireGC, ·pointGC)
FIRE(·fireSTWStart, ·pointSTWStart)
FIRE(·fireSTWEnd, ·pointSTWEnd)
