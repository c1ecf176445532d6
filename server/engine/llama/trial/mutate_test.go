package trial

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/gguf"
	"github.com/weirgo/weir/server/gguf/tamper"
)

// mutation is one way to spoil a model file.
type mutation struct {
	name  string
	bytes func() []byte
}

// field is a number in a file's header.
type field struct {
	name       string
	at, length int
}

// walker finds the fields of a header, which is sound.
type walker struct {
	content []byte
	at      int
	fields  []field
}

// number notes the next field and returns its value.
func (w *walker) number(name string, length int) uint64 {
	w.fields = append(w.fields, field{name, w.at, length})
	var p [8]byte
	copy(p[:], w.content[w.at:w.at+length])
	w.at += length
	return binary.LittleEndian.Uint64(p[:])
}

func (w *walker) text(name string) string {
	n := int(w.number(name+"'s length", 8))
	if n > 0 {
		w.fields = append(w.fields, field{name + "'s first byte", w.at, 1})
	}
	w.at += n
	return string(w.content[w.at-n : w.at])
}

// widths of values by the code of their type; texts and arrays have none.
var widths = map[uint64]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

const (
	typeText  = 8
	typeArray = 9
)

func (w *walker) value(name string, kind uint64) {
	switch kind {
	case typeText:
		w.text(name)
	case typeArray:
		element := w.number(name+"'s element type", 4)
		n := int(w.number(name+"'s length", 8))
		for i := range n {
			kept := len(w.fields)
			w.value(fmt.Sprintf("%s[%d]", name, i), element)
			if i > 0 && i < n-1 { // the first and the last stand for all
				w.fields = w.fields[:kept]
			}
		}
	default:
		w.number(name, widths[kind])
	}
}

// fieldsOf walks a sound file's header.
func fieldsOf(content []byte) []field {
	w := &walker{content: content}
	w.number("magic", 4)
	w.number("version", 4)
	tensors, entries := w.number("count of tensors", 8), w.number("count of entries", 8)
	for range entries {
		key := w.text("a key")
		w.value(key, w.number(key+"'s type", 4))
	}
	for range tensors {
		name := w.text("a tensor's name")
		for i := range w.number(name+"'s rank", 4) {
			w.number(fmt.Sprintf("%s's dimension %d", name, i), 8)
		}
		w.number(name+"'s type", 4)
		w.number(name+"'s offset", 8)
	}
	return w.fields
}

// fieldMutations puts bad numbers into every field of the header.
func fieldMutations(sound []byte, random *rand.Rand) (all []mutation) {
	for _, f := range fieldsOf(sound) {
		was := make([]byte, 8)
		copy(was, sound[f.at:f.at+f.length])
		n := binary.LittleEndian.Uint64(was)
		for _, value := range []uint64{0, 1, n + 1, n - 1, 2 * n, n << 8, math.MaxUint64, 1 << (8*f.length - 1), math.MaxUint64 >> 1, random.Uint64()} {
			all = append(all, mutation{fmt.Sprintf("%s is %#x", f.name, value), func() []byte {
				content := slices.Clone(sound)
				copy(content[f.at:f.at+f.length], binary.LittleEndian.AppendUint64(nil, value))
				return content
			}})
		}
	}
	return all
}

// hostile are values to put under every key.
var hostile = []any{
	uint32(0), uint32(1), uint32(2), uint32(3), uint32(7), uint32(513), uint32(1 << 20), uint32(math.MaxInt32), uint32(math.MaxUint32),
	int32(-1), uint64(math.MaxUint64), uint16(1), uint8(255), true, false, "", "gpt2", "llama", "bert", "t5", "rwkv", "plamo2", "\x00", "\xff",
	float32(0), float32(-1), float32(1e-40), float32(math.MaxFloat32), float32(math.NaN()), float32(math.Inf(1)), 1e-5,
	[]uint32{}, []int32{-1, 0, 1}, []float32{float32(math.NaN())}, []string{}, []string{"a", "a"}, []string{"a b", ""}, []bool{true}, []uint8{1, 2, 3},
}

// keyMutations puts hostile values under every key, and takes each away.
func keyMutations(t *testing.T, write func(change func(*tamper.Model)) []byte) (all []mutation) {
	keys := []string{
		"llama.expert_count", "llama.expert_used_count", "llama.attention.key_length", "llama.attention.value_length", "llama.attention.sliding_window",
		"llama.rope.scaling.type", "llama.rope.scaling.factor", "llama.rope.scaling.original_context_length", "llama.attention.scale", "llama.logit_scale",
		"tokenizer.ggml.merges", "tokenizer.ggml.precompiled_charsmap", "tokenizer.ggml.pre", "split.count", "split.no",
	}
	write(func(m *tamper.Model) {
		for _, entry := range m.Metadata {
			keys = append(keys, entry.Key)
		}
	})
	for _, key := range keys {
		all = append(all, mutation{key + " is missing", func() []byte {
			return write(func(m *tamper.Model) { m.Delete(key) })
		}})
		for _, value := range hostile {
			all = append(all, mutation{fmt.Sprintf("%s is %#v", key, value), func() []byte {
				return write(func(m *tamper.Model) { m.Set(key, value) })
			}})
		}
	}
	return all
}

// randomMutations: bits flipped in the header or anywhere, ends cut off, pieces
// of the file put elsewhere, tokens and types changed.
func randomMutations(sound []byte, n int, random *rand.Rand, write func(change func(*tamper.Model)) []byte) (all []mutation) {
	file, _ := gguf.Read(bytesAt(sound), int64(len(sound)), gguf.DefaultLimits())
	header := int(file.DataOffsetBytes)
	for i := range n {
		seed := random.Uint64()
		all = append(all, mutation{fmt.Sprintf("random %d", seed), func() []byte {
			random := rand.New(rand.NewPCG(seed, 0))
			content := slices.Clone(sound)
			area := header
			switch i % 6 {
			case 0:
				return content[:random.IntN(len(content))]
			case 1:
				return content[:random.IntN(header)]
			case 2: // a piece
				from, to, length := random.IntN(header), random.IntN(header), random.IntN(200)
				copy(content[to:header], slices.Clone(content[from:min(header, from+length)]))
				return content
			case 3:
				return write(func(m *tamper.Model) {
					texts, scores, types := m.Tokens()
					for range 1 + random.IntN(3) {
						id, other := random.IntN(len(texts)), random.IntN(len(texts))
						texts[id] = []string{texts[other], "", "\xff", texts[id] + "x", "<0x00>"}[random.IntN(5)]
						scores[other] = math.Float32frombits(random.Uint32())
						types[random.IntN(len(types))] = int32(random.IntN(9)) - 1
					}
				})
			case 4:
				area = len(content)
			}
			for range 1 << random.IntN(8) {
				content[random.IntN(area)] ^= 1 << random.IntN(8)
			}
			return content
		}})
	}
	return all
}
