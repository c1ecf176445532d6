//go:build goexperiment.simd

#include "textflag.h"

// DEPTH adds the products of one depth, whose row of the right panel begins at r and
// of the left one at l.
#define DEPTH(r, l) \
	VMOVUPS r+0(DI), Y9; \
	VMOVUPS r+32(DI), Y10; \
	VMOVUPS r+64(DI), Y11; \
	VBROADCASTSS l+0(SI), Y12; \
	VFMADD231PS Y9, Y12, Y0; \
	VFMADD231PS Y10, Y12, Y1; \
	VFMADD231PS Y11, Y12, Y2; \
	VBROADCASTSS l+4(SI), Y12; \
	VFMADD231PS Y9, Y12, Y3; \
	VFMADD231PS Y10, Y12, Y4; \
	VFMADD231PS Y11, Y12, Y5; \
	VBROADCASTSS l+8(SI), Y12; \
	VFMADD231PS Y9, Y12, Y6; \
	VFMADD231PS Y10, Y12, Y7; \
	VFMADD231PS Y11, Y12, Y8

// func tileAVX2(depth int, left, right, c unsafe.Pointer, stride uintptr, fresh bool)
//
// Y0 to Y8 are the sums, three rows of 24 columns; Y9 to Y11 a row of the right
// panel; Y12 an element of the left one, in all places.
TEXT ·tileAVX2(SB), NOSPLIT, $0-41
	MOVQ    depth+0(FP), CX
	MOVQ    left+8(FP), SI
	MOVQ    right+16(FP), DI
	MOVQ    c+24(FP), R8
	MOVQ    stride+32(FP), R9
	MOVBLZX fresh+40(FP), AX
	LEAQ    (R8)(R9*1), R10  // the second row of c
	LEAQ    (R8)(R9*2), R11  // the third
	TESTL   AX, AX
	JNE     zero
	VMOVUPS 0(R8), Y0
	VMOVUPS 32(R8), Y1
	VMOVUPS 64(R8), Y2
	VMOVUPS 0(R10), Y3
	VMOVUPS 32(R10), Y4
	VMOVUPS 64(R10), Y5
	VMOVUPS 0(R11), Y6
	VMOVUPS 32(R11), Y7
	VMOVUPS 64(R11), Y8
	JMP     pairs

zero:
	VXORPS  Y0, Y0, Y0
	VXORPS  Y1, Y1, Y1
	VXORPS  Y2, Y2, Y2
	VXORPS  Y3, Y3, Y3
	VXORPS  Y4, Y4, Y4
	VXORPS  Y5, Y5, Y5
	VXORPS  Y6, Y6, Y6
	VXORPS  Y7, Y7, Y7
	VXORPS  Y8, Y8, Y8

pairs:
	SUBQ    $2, CX
	JLT     last

two:
	DEPTH(0, 0)
	DEPTH(96, 12)
	ADDQ    $24, SI
	ADDQ    $192, DI
	SUBQ    $2, CX
	JGE     two

last:
	ADDQ    $2, CX
	JEQ     done
	DEPTH(0, 0)

done:
	VMOVUPS Y0, 0(R8)
	VMOVUPS Y1, 32(R8)
	VMOVUPS Y2, 64(R8)
	VMOVUPS Y3, 0(R10)
	VMOVUPS Y4, 32(R10)
	VMOVUPS Y5, 64(R10)
	VMOVUPS Y6, 0(R11)
	VMOVUPS Y7, 32(R11)
	VMOVUPS Y8, 64(R11)
	VZEROUPPER
	RET
