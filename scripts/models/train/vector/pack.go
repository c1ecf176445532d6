package vector

import "slices"

// The sizes of a tile of the result, and of the depth that a tile takes at
// once: a panel of the right side then stays in the nearest caches.
const (
	TileRows   = 3
	BlockDepth = 256

	mostColumns = 64 // of a tile: how many it has is a matter of the instructions
)

// Left is the left side of products, packed: for each block of the depth, for
// each eight rows, depth by depth. The zero value is ready; memory is reused.
type Left struct {
	rows, depth int
	data        []float32
}

// Right is the right side of products, packed: for each block of the depth,
// for each tile's columns, depth by depth. The zero value is ready; memory is
// reused.
type Right struct {
	columns, depth int
	width          int // of a panel: the columns of a tile
	data           []float32
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// resize returns n elements of unknown content, in s if it has room. There is
// one more behind them, so that a pointer that has gone over all of them is not
// into another object.
func resize(s []float32, n int) []float32 { return slices.Grow(s[:0], n+1)[:n] }

// Pack takes rows of depth elements, stride elements apart.
func (l *Left) Pack(src []float32, stride, rows, depth int) {
	l.reset(rows, depth)
	for k0 := 0; k0 < depth; k0 += BlockDepth {
		k1 := min(k0+BlockDepth, depth)
		for i0 := 0; i0 < rows; i0 += TileRows {
			panel := l.panel(k0, i0)
			if rows-i0 < TileRows {
				clear(panel)
				for i := range rows - i0 {
					for k, v := range src[(i0+i)*stride+k0:][:k1-k0] {
						panel[k*TileRows+i] = v
					}
				}
				continue
			}
			first, second, third := src[i0*stride+k0:][:k1-k0], src[(i0+1)*stride+k0:][:k1-k0], src[(i0+2)*stride+k0:][:k1-k0]
			for k := range first {
				*(*[TileRows]float32)(panel[k*TileRows:]) = [TileRows]float32{first[k], second[k], third[k]}
			}
		}
	}
}

// PackTransposed takes the transposed matrix: depth rows of rows elements,
// stride elements apart.
func (l *Left) PackTransposed(src []float32, stride, rows, depth int) {
	l.reset(rows, depth)
	for k0 := 0; k0 < depth; k0 += BlockDepth {
		k1 := min(k0+BlockDepth, depth)
		for i0 := 0; i0 < rows; i0 += TileRows {
			panel, from := l.panel(k0, i0), src[k0*stride+i0:]
			if rows-i0 < TileRows {
				copyRows(panel, TileRows, from, stride, k1-k0, rows-i0)
				continue
			}
			for k := range k1 - k0 {
				*(*[TileRows]float32)(panel[k*TileRows:]) = [TileRows]float32(from[k*stride:])
			}
		}
	}
}

func (l *Left) reset(rows, depth int) {
	l.rows, l.depth = rows, depth
	l.data = resize(l.data, roundUp(rows, TileRows)*depth)
}

// panel returns the rows from i0 of the block at k0.
func (l *Left) panel(k0, i0 int) []float32 {
	deep := min(BlockDepth, l.depth-k0)
	at := k0*roundUp(l.rows, TileRows) + i0*deep
	return l.data[at : at+TileRows*deep]
}

// Pack takes depth rows of columns elements, stride elements apart.
func (r *Right) Pack(src []float32, stride, depth, columns int) {
	r.Reset(depth, columns)
	for k0 := 0; k0 < depth; k0 += BlockDepth {
		r.PackBlock(k0, src, stride)
	}
}

// Reset makes room for what PackBlock packs.
func (r *Right) Reset(depth, columns int) {
	r.columns, r.depth, r.width = columns, depth, tileColumns()
	r.data = resize(r.data, roundUp(columns, r.width)*depth)
}

// PackBlock packs the block of BlockDepth rows at depth k0 of the matrix in
// src: Pack in parts, which may be done concurrently.
func (r *Right) PackBlock(k0 int, src []float32, stride int) {
	k1 := min(k0+BlockDepth, r.depth)
	for j0 := 0; j0 < r.columns; j0 += r.width {
		copyRows(r.panel(k0, j0), r.width, src[k0*stride+j0:], stride, k1-k0, min(r.width, r.columns-j0))
	}
}

// copyRows copies rows of n elements into a panel of the given width, and
// zeros beside them.
func copyRows(panel []float32, width int, src []float32, stride, rows, n int) {
	for k := range rows {
		to := panel[k*width:][:width]
		copy(to, src[k*stride:][:n])
		clear(to[n:])
	}
}

// PackTransposed takes the transposed matrix: columns rows of depth elements,
// stride elements apart.
func (r *Right) PackTransposed(src []float32, stride, depth, columns int) {
	r.Reset(depth, columns)
	for k0 := 0; k0 < depth; k0 += BlockDepth {
		k1 := min(k0+BlockDepth, depth)
		for j0 := 0; j0 < columns; j0 += r.width {
			panel := r.panel(k0, j0)
			for j := range r.width {
				if j0+j >= columns {
					for k := range k1 - k0 {
						panel[k*r.width+j] = 0
					}
					continue
				}
				for k, v := range src[(j0+j)*stride+k0:][:k1-k0] {
					panel[k*r.width+j] = v
				}
			}
		}
	}
}

// panel returns the columns from j0 of the block at k0.
func (r *Right) panel(k0, j0 int) []float32 {
	deep := min(BlockDepth, r.depth-k0)
	at := k0*roundUp(r.columns, r.width) + j0*deep
	return r.data[at : at+r.width*deep]
}
