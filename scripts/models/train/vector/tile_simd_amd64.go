//go:build goexperiment.simd

package vector

import (
	"simd/archsimd"
	"unsafe"
)

// The ways of computing, in Instructions' words.
const (
	levelPlain = iota
	levelAVX2
	levelAVX512
)

var level = func() int {
	switch x := archsimd.X86; {
	case x.AVX512() && x.AVX2() && x.FMA():
		return levelAVX512
	case x.AVX2() && x.FMA():
		return levelAVX2
	}
	return levelPlain
}()

// The columns of a tile: as many sums as hide a multiply-add's latency and leave
// registers for what they take.
const (
	columnsAVX512 = 64
	columnsAVX2   = 24
)

func tileColumns() int {
	if level == levelAVX2 {
		return columnsAVX2
	}
	return columnsAVX512
}

// Instructions names the instructions that this build uses here.
func Instructions() string {
	return [...]string{"plain Go; this processor lacks AVX2", "AVX2", "AVX-512"}[level]
}

func plain() bool { return level == levelPlain }

// tile adds the product of two panels to a whole tile of c, or puts it there if
// that is fresh.
func tile(depth int, left, right, c []float32, stride int, fresh bool) {
	// What the tiles read and write without asking.
	_, _, _ = left[TileRows*depth-1], right[tileColumns()*depth-1], c[(TileRows-1)*stride+tileColumns()-1]
	l, r, to := unsafe.Pointer(&left[0]), unsafe.Pointer(&right[0]), unsafe.Pointer(&c[0])
	bytes := uintptr(stride) * 4
	if level == levelAVX512 {
		tileAVX512(depth, l, r, to, bytes, fresh)
		return
	}
	tileAVX2(depth, l, r, to, bytes, fresh)
}

func loadx16(p unsafe.Pointer, at uintptr) archsimd.Float32x16 {
	return archsimd.LoadFloat32x16Array((*[16]float32)(unsafe.Add(p, at)))
}

func storex16(p unsafe.Pointer, at uintptr, v archsimd.Float32x16) {
	v.StoreArray((*[16]float32)(unsafe.Add(p, at)))
}

// tileAVX512 does a whole tile; stride is in bytes. Twelve sums are as many as
// the compiler keeps in registers around a loop, and four depths at once give it
// room to order loads.
func tileAVX512(depth int, left, right, c unsafe.Pointer, stride uintptr, fresh bool) {
	var c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23 archsimd.Float32x16
	if !fresh {
		c00, c01, c02, c03 = loadx16(c, 0), loadx16(c, 64), loadx16(c, 128), loadx16(c, 192)
		c10, c11, c12, c13 = loadx16(c, 1*stride+0), loadx16(c, 1*stride+64), loadx16(c, 1*stride+128), loadx16(c, 1*stride+192)
		c20, c21, c22, c23 = loadx16(c, 2*stride+0), loadx16(c, 2*stride+64), loadx16(c, 2*stride+128), loadx16(c, 2*stride+192)
	}
	for ; depth >= 4; depth -= 4 {
		b0, b1, b2, b3 := loadx16(right, 0), loadx16(right, 64), loadx16(right, 128), loadx16(right, 192)
		x := archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 0)))
		c00, c01, c02, c03 = x.MulAdd(b0, c00), x.MulAdd(b1, c01), x.MulAdd(b2, c02), x.MulAdd(b3, c03)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 4)))
		c10, c11, c12, c13 = x.MulAdd(b0, c10), x.MulAdd(b1, c11), x.MulAdd(b2, c12), x.MulAdd(b3, c13)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 8)))
		c20, c21, c22, c23 = x.MulAdd(b0, c20), x.MulAdd(b1, c21), x.MulAdd(b2, c22), x.MulAdd(b3, c23)
		b0, b1, b2, b3 = loadx16(right, 256), loadx16(right, 320), loadx16(right, 384), loadx16(right, 448)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 12)))
		c00, c01, c02, c03 = x.MulAdd(b0, c00), x.MulAdd(b1, c01), x.MulAdd(b2, c02), x.MulAdd(b3, c03)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 16)))
		c10, c11, c12, c13 = x.MulAdd(b0, c10), x.MulAdd(b1, c11), x.MulAdd(b2, c12), x.MulAdd(b3, c13)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 20)))
		c20, c21, c22, c23 = x.MulAdd(b0, c20), x.MulAdd(b1, c21), x.MulAdd(b2, c22), x.MulAdd(b3, c23)
		b0, b1, b2, b3 = loadx16(right, 512), loadx16(right, 576), loadx16(right, 640), loadx16(right, 704)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 24)))
		c00, c01, c02, c03 = x.MulAdd(b0, c00), x.MulAdd(b1, c01), x.MulAdd(b2, c02), x.MulAdd(b3, c03)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 28)))
		c10, c11, c12, c13 = x.MulAdd(b0, c10), x.MulAdd(b1, c11), x.MulAdd(b2, c12), x.MulAdd(b3, c13)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 32)))
		c20, c21, c22, c23 = x.MulAdd(b0, c20), x.MulAdd(b1, c21), x.MulAdd(b2, c22), x.MulAdd(b3, c23)
		b0, b1, b2, b3 = loadx16(right, 768), loadx16(right, 832), loadx16(right, 896), loadx16(right, 960)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 36)))
		c00, c01, c02, c03 = x.MulAdd(b0, c00), x.MulAdd(b1, c01), x.MulAdd(b2, c02), x.MulAdd(b3, c03)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 40)))
		c10, c11, c12, c13 = x.MulAdd(b0, c10), x.MulAdd(b1, c11), x.MulAdd(b2, c12), x.MulAdd(b3, c13)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 44)))
		c20, c21, c22, c23 = x.MulAdd(b0, c20), x.MulAdd(b1, c21), x.MulAdd(b2, c22), x.MulAdd(b3, c23)
		left, right = unsafe.Add(left, 4*4*TileRows), unsafe.Add(right, 4*4*columnsAVX512)
	}
	for range depth {
		b0, b1, b2, b3 := loadx16(right, 0), loadx16(right, 64), loadx16(right, 128), loadx16(right, 192)
		x := archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 0)))
		c00, c01, c02, c03 = x.MulAdd(b0, c00), x.MulAdd(b1, c01), x.MulAdd(b2, c02), x.MulAdd(b3, c03)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 4)))
		c10, c11, c12, c13 = x.MulAdd(b0, c10), x.MulAdd(b1, c11), x.MulAdd(b2, c12), x.MulAdd(b3, c13)
		x = archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(left, 8)))
		c20, c21, c22, c23 = x.MulAdd(b0, c20), x.MulAdd(b1, c21), x.MulAdd(b2, c22), x.MulAdd(b3, c23)
		left, right = unsafe.Add(left, 4*TileRows), unsafe.Add(right, 4*columnsAVX512)
	}
	storex16(c, 0, c00)
	storex16(c, 64, c01)
	storex16(c, 128, c02)
	storex16(c, 192, c03)
	storex16(c, 1*stride+0, c10)
	storex16(c, 1*stride+64, c11)
	storex16(c, 1*stride+128, c12)
	storex16(c, 1*stride+192, c13)
	storex16(c, 2*stride+0, c20)
	storex16(c, 2*stride+64, c21)
	storex16(c, 2*stride+128, c22)
	storex16(c, 2*stride+192, c23)
}

// tileAVX2 does a whole tile; stride is in bytes. It is in assembly: sixteen
// registers do not hold nine sums and the copies that the compiler makes of what
// it multiplies, and the tile in Go took about twice as long.
//
//go:noescape
func tileAVX2(depth int, left, right, c unsafe.Pointer, stride uintptr, fresh bool)
