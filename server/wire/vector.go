package wire

import "strconv"

// AppendVector appends numbers, all finite, as a JSON array.
func AppendVector(dst []byte, vector []float32) []byte {
	dst = append(dst, '[')
	for i, v := range vector {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
	}
	return append(dst, ']')
}
