// Package vector has the arithmetic of training on float32: products of
// matrices and the loops between them, on AVX-512, on AVX2, or in plain Go.
//
// # Model
//
// Every way of computing gives the same bits. An element of a product is one
// chain of fused multiply-adds in the order of its depth, whatever the tiles
// are; a sum over a row is eight chains, element i in chain i mod 8, added in a
// fixed order; [Exp] is one polynomial. So results depend on neither the
// machine, nor the number of threads, nor the build.
//
// A product takes both sides packed ([Left], [Right]): in panels, in the order
// in which a tile reads them. A side is packed once and used for many products.
//
//	var l vector.Left
//	var r vector.Right
//	l.Pack(x, depth, rows, depth)
//	r.Pack(w, columns, depth, columns)
//	vector.Multiply(y, columns, &l, &r, false)
//
// The vector instructions need GOEXPERIMENT=simd when the program is built, on
// amd64; what the processor has is seen at run time ([Instructions]). All are
// written by that experiment's package but for one loop, the tile on AVX2, whose
// registers the compiler does not use well enough.
//
// # Limits
//
// Without the experiment each multiply-add is emulated, about a hundred times
// slower: right for small tests, too slow to train with. Nothing here starts
// goroutines; distinct destinations may be written concurrently.
package vector
