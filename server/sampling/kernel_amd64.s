#include "textflag.h"

// Operands stand in Go's order: the last is the result, and the first is what
// Intel's manual calls the second source. MAXPS returns that one if either is
// not a number; the comparisons (GT_OQ, LE_OQ and LT_OQ) are false then.

#define GT $30
#define LE $18
#define LT $17

// The numbers of exp.go, some once, some for each lane.
DATA single<>+0(SB)/4, $0x3E2AAAAB // 1/6
DATA single<>+4(SB)/4, $0x3D2AAAAB // 1/24
DATA single<>+8(SB)/4, $0x3C088889 // 1/120
DATA single<>+12(SB)/4, $0x3F000000 // 1/2
DATA single<>+16(SB)/4, $0x3F800000 // 1
DATA single<>+20(SB)/4, $0x4B400000 // magic
DATA single<>+24(SB)/4, $0x3FB8AA3B // log2e
DATA single<>+28(SB)/4, $0xC2AC0000 // expLow
DATA single<>+32(SB)/4, $0xFF800000 // minus infinity
GLOBL single<>(SB), RODATA|NOPTR, $36

DATA wide<>+0(SB)/8, $0x3F3180003F318000 // ln2Hi
DATA wide<>+8(SB)/8, $0x3F3180003F318000 // ln2Hi
DATA wide<>+16(SB)/8, $0x3F3180003F318000 // ln2Hi
DATA wide<>+24(SB)/8, $0x3F3180003F318000 // ln2Hi
DATA wide<>+32(SB)/8, $0xB95E8083B95E8083 // ln2Lo
DATA wide<>+40(SB)/8, $0xB95E8083B95E8083 // ln2Lo
DATA wide<>+48(SB)/8, $0xB95E8083B95E8083 // ln2Lo
DATA wide<>+56(SB)/8, $0xB95E8083B95E8083 // ln2Lo
DATA wide<>+64(SB)/8, $0x3AB60B613AB60B61 // 1/720
DATA wide<>+72(SB)/8, $0x3AB60B613AB60B61 // 1/720
DATA wide<>+80(SB)/8, $0x3AB60B613AB60B61 // 1/720
DATA wide<>+88(SB)/8, $0x3AB60B613AB60B61 // 1/720
GLOBL wide<>(SB), RODATA|NOPTR, $96

// func maximumAVX2(v *float32, n int) float32
TEXT ·maximumAVX2(SB), NOSPLIT, $0-20
	MOVQ v+0(FP), SI
	MOVQ n+8(FP), CX
	LEAQ (SI)(CX*4), DI
	VBROADCASTSS single<>+32(SB), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3
maxGroup:
	VMOVUPS 0(SI), Y4
	VMOVUPS 32(SI), Y5
	VMOVUPS 64(SI), Y6
	VMOVUPS 96(SI), Y7
	VMAXPS Y0, Y4, Y0
	VMAXPS Y1, Y5, Y1
	VMAXPS Y2, Y6, Y2
	VMAXPS Y3, Y7, Y3
	ADDQ $128, SI
	CMPQ SI, DI
	JB maxGroup
	VMAXPS Y1, Y0, Y0
	VMAXPS Y3, Y2, Y2
	VMAXPS Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VMOVHLPS X0, X0, X1
	VMAXPS X1, X0, X0
	VMOVSHDUP X0, X1
	VMAXSS X1, X0, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// func aboveAVX2(v *float32, n int, floor float32) int
TEXT ·aboveAVX2(SB), NOSPLIT, $0-32
	MOVQ v+0(FP), SI
	MOVQ n+8(FP), CX
	LEAQ (SI)(CX*4), DI
	VBROADCASTSS floor+16(FP), Y0
aboveGroup:
	VMOVUPS 0(SI), Y1
	VMOVUPS 32(SI), Y2
	VMOVUPS 64(SI), Y3
	VMOVUPS 96(SI), Y4
	VCMPPS GT, Y0, Y1, Y1
	VCMPPS GT, Y0, Y2, Y2
	VCMPPS GT, Y0, Y3, Y3
	VCMPPS GT, Y0, Y4, Y4
	VORPS Y1, Y2, Y1
	VORPS Y3, Y4, Y3
	VORPS Y1, Y3, Y1
	VMOVMSKPS Y1, AX
	TESTL AX, AX
	JNZ found
	ADDQ $128, SI
	CMPQ SI, DI
	JB aboveGroup
found:
	SUBQ v+0(FP), SI
	SHRQ $2, SI
	MOVQ SI, ret+24(FP)
	VZEROUPPER
	RET

// func withinAVX2(v *float32, floor, ceiling float32) uint32
TEXT ·withinAVX2(SB), NOSPLIT, $0-20
	MOVQ v+0(FP), SI
	VBROADCASTSS floor+8(FP), Y0
	VBROADCASTSS ceiling+12(FP), Y1
	VMOVUPS 0(SI), Y2
	VMOVUPS 32(SI), Y3
	VMOVUPS 64(SI), Y4
	VMOVUPS 96(SI), Y5
	VCMPPS GT, Y0, Y2, Y6
	VCMPPS LE, Y1, Y2, Y10
	VANDPS Y6, Y10, Y6
	VCMPPS GT, Y0, Y3, Y7
	VCMPPS LE, Y1, Y3, Y11
	VANDPS Y7, Y11, Y7
	VCMPPS GT, Y0, Y4, Y8
	VCMPPS LE, Y1, Y4, Y12
	VANDPS Y8, Y12, Y8
	VCMPPS GT, Y0, Y5, Y9
	VCMPPS LE, Y1, Y5, Y13
	VANDPS Y9, Y13, Y9
	VMOVMSKPS Y6, AX
	VMOVMSKPS Y7, BX
	VMOVMSKPS Y8, CX
	VMOVMSKPS Y9, DX
	SHLL $8, BX
	SHLL $16, CX
	SHLL $24, DX
	ORL BX, AX
	ORL DX, CX
	ORL CX, AX
	MOVL AX, ret+16(FP)
	VZEROUPPER
	RET

// func expSumAVX2(v *float32, n int, shift, scale, floor float32) float32
TEXT ·expSumAVX2(SB), NOSPLIT, $0-36
	MOVQ v+0(FP), SI
	MOVQ n+8(FP), CX
	LEAQ (SI)(CX*4), DI
	VBROADCASTSS shift+16(FP), Y5
	VBROADCASTSS scale+20(FP), Y6
	VBROADCASTSS floor+24(FP), Y7
	VBROADCASTSS single<>+28(SB), Y8 // expLow
	VBROADCASTSS single<>+24(SB), Y9 // log2e
	VBROADCASTSS single<>+20(SB), Y10 // magic
	VBROADCASTSS single<>+16(SB), Y11 // 1
	VBROADCASTSS single<>+12(SB), Y12 // 1/2
	VBROADCASTSS single<>+0(SB), Y13 // 1/6
	VBROADCASTSS single<>+4(SB), Y14 // 1/24
	VBROADCASTSS single<>+8(SB), Y15 // 1/120
	VXORPS Y0, Y0, Y0
sumGroup:
	// Most groups have nothing above most floors.
	VCMPPS LT, 0(SI), Y7, Y1
	VCMPPS LT, 32(SI), Y7, Y2
	VCMPPS LT, 64(SI), Y7, Y3
	VCMPPS LT, 96(SI), Y7, Y4
	VORPS Y1, Y2, Y1
	VORPS Y3, Y4, Y3
	VORPS Y1, Y3, Y1
	VMOVMSKPS Y1, AX
	TESTL AX, AX
	LEAQ 128(SI), DX
	JZ nextGroup
sumLanes:
	VMOVUPS (SI), Y1
	VCMPPS GT, Y7, Y1, Y2
	VSUBPS Y5, Y1, Y1
	VMULPS Y6, Y1, Y1 // x
	VCMPPS GT, Y8, Y1, Y3
	VANDPS Y3, Y2, Y2 // which count
	VMAXPS Y8, Y1, Y1
	VMULPS Y9, Y1, Y3
	VADDPS Y10, Y3, Y3 // n in the low bits
	VSUBPS Y10, Y3, Y4 // n
	VMULPS wide<>+0(SB), Y4, Y4 // ln2Hi
	VSUBPS Y4, Y1, Y1
	VSUBPS Y10, Y3, Y4
	VMULPS wide<>+32(SB), Y4, Y4 // ln2Lo
	VSUBPS Y4, Y1, Y1 // r
	VPSLLD $23, Y3, Y3
	VMULPS wide<>+64(SB), Y1, Y4 // 1/720
	VADDPS Y15, Y4, Y4
	VMULPS Y1, Y4, Y4
	VADDPS Y14, Y4, Y4
	VMULPS Y1, Y4, Y4
	VADDPS Y13, Y4, Y4
	VMULPS Y1, Y4, Y4
	VADDPS Y12, Y4, Y4
	VMULPS Y1, Y4, Y4
	VADDPS Y11, Y4, Y4
	VMULPS Y1, Y4, Y4
	VADDPS Y11, Y4, Y4 // e^r
	VPADDD Y3, Y4, Y4
	VANDPS Y2, Y4, Y4
	VADDPS Y4, Y0, Y0
	ADDQ $32, SI
	CMPQ SI, DX
	JB sumLanes
nextGroup:
	MOVQ DX, SI
	CMPQ SI, DI
	JB sumGroup
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VMOVHLPS X0, X0, X1
	VADDPS X1, X0, X0
	VMOVSHDUP X0, X1
	VADDSS X1, X0, X0
	VMOVSS X0, ret+32(FP)
	VZEROUPPER
	RET
