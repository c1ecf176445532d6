package vector

// Multiply puts the product of l and r into c, whose rows are stride elements
// apart, or adds it to what is there. It panics if the depths differ.
func Multiply(c []float32, stride int, l *Left, r *Right, add bool) {
	if l.depth != r.depth {
		panic("vector: a product of matrices of different depths")
	}
	if l.depth == 0 && !add {
		for i := range l.rows {
			clear(c[i*stride:][:r.columns])
		}
	}
	var edge [TileRows * mostColumns]float32
	for k0 := 0; k0 < l.depth; k0 += BlockDepth {
		deep, fresh := min(BlockDepth, l.depth-k0), k0 == 0 && !add
		for j0 := 0; j0 < r.columns; j0 += r.width {
			right, columns := r.panel(k0, j0), min(r.width, r.columns-j0)
			for i0 := 0; i0 < l.rows; i0 += TileRows {
				left, rows := l.panel(k0, i0), min(TileRows, l.rows-i0)
				if plain() {
					tilePlain(deep, left, right, c[i0*stride+j0:], stride, rows, columns, r.width, fresh)
					continue
				}
				if rows == TileRows && columns == r.width {
					tile(deep, left, right, c[i0*stride+j0:], stride, fresh)
					continue
				}
				for i := range rows {
					if !fresh {
						copy(edge[i*r.width:][:columns], c[(i0+i)*stride+j0:])
					}
				}
				tile(deep, left, right, edge[:], r.width, fresh)
				for i := range rows {
					copy(c[(i0+i)*stride+j0:][:columns], edge[i*r.width:])
				}
			}
		}
	}
}

// tilePlain is tile in plain Go, for a part of it.
func tilePlain(depth int, left, right, c []float32, stride, rows, columns, width int, fresh bool) {
	for i := range rows {
		row := c[i*stride:][:columns]
		if fresh {
			clear(row)
		}
		for k := range depth {
			x := left[k*TileRows+i]
			for j, w := range right[k*width:][:columns] {
				// fma, which is too long to be put here by the compiler.
				sum := float64(x)*float64(w) + float64(row[j])
				if unsure(sum) {
					sum = exactSum(x, w, row[j])
				}
				row[j] = float32(sum)
			}
		}
	}
}
