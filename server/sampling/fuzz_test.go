package sampling

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// FuzzSample draws from rows of any bits, which are also read by the portable
// kernels: the same token, and one that has a chance.
func FuzzSample(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 192, 127, 0, 0, 128, 255}, uint16(1), float32(1), 0, float32(0.5), float32(0.1))
	f.Add([]byte{255, 255, 127, 127, 255, 255, 127, 255, 1, 0, 0, 128}, uint16(9000), float32(1e-45), 300, float32(0.9), float32(0))
	f.Fuzz(func(t *testing.T, bits []byte, repeated uint16, temperature float32, topK int, topP, minP float32) {
		row := make([]float32, 0, len(bits)/4)
		for ; len(bits) >= 4; bits = bits[4:] {
			row = append(row, math.Float32frombits(binary.LittleEndian.Uint32(bits)))
		}
		for n := len(row); n > 0 && len(row) < int(repeated); {
			row = append(row, row[len(row)-n]-float32(len(row)%7)) // long ones, too
		}
		var r Row
		if r.Read(row) != nil {
			return
		}
		s := New(ask.Sampling{Temperature: temperature, TopK: topK, TopP: topP, MinP: minP, Seed: 3})
		token := sample(t, s, &r)
		chances := make(map[ask.Token]float64)
		for _, c := range s.Chances(nil, &r) {
			chances[c.Token] = c.Probability
		}
		if !(chances[token] > 0) {
			t.Fatalf("drew %d, which has no chance", token)
		}
		top := make([]Key, min(len(row), 300))
		r.Top(top)
		portable(t, func() {
			var again Row
			if err := again.Read(row); err != nil {
				t.Fatal(err)
			}
			s := New(ask.Sampling{Temperature: temperature, TopK: topK, TopP: topP, MinP: minP, Seed: 3})
			if second := sample(t, s, &again); second != token {
				t.Fatalf("drew %d, portably %d", token, second)
			}
		})
	})
}
