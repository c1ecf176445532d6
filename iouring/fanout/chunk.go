package fanout

// Frames leave HTTP/1.1 as chunks (RFC 9112, section 7.1): a line with the size in
// hexadecimal, the data, an end of line. The data is there before its size is
// known, so room for the line is kept in front of it, for as many digits as the
// stream's last chunk had; only if that was wrong is the data moved.

const (
	lastChunk  = "0\r\n\r\n"
	chunkBytes = 8 + 2 + 2 // around the data of any chunk that is held
)

// chunkHead appends room for the size line of a chunk with that many digits.
func chunkHead(b []byte, digits int) []byte {
	const room = "00000000"
	return append(append(b, room[:digits]...), '\r', '\n')
}

// finishChunk turns b[start:], the room for digits and the data behind it, into a
// chunk, and returns how many digits its size has.
func finishChunk(b []byte, start, digits int) ([]byte, int) {
	const hexadecimal = "0123456789abcdef"
	data := start + digits + 2
	n := len(b) - data
	need := 1
	for n>>(4*need) != 0 {
		need++
	}
	if need != digits {
		for range need - digits {
			b = append(b, 0)
		}
		at := start + need + 2
		copy(b[at:at+n], b[data:data+n])
		b = b[:at+n]
		b[at-2], b[at-1] = '\r', '\n'
	}
	for i, v := start+need-1, n; i >= start; i, v = i-1, v>>4 {
		b[i] = hexadecimal[v&15]
	}
	return append(b, '\r', '\n'), need
}
