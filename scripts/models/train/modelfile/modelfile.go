package modelfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/weirgo/weir/scripts/models/train/network"
	"github.com/weirgo/weir/server/gguf"
)

// RecipeKey is where the metadata says what the model was made from.
const RecipeKey = "weir.recipe"

// Q8 is the type of eight bits an element, in blocks that share a scale.
const Q8 gguf.TensorType = 8

// What general.file_type calls a file's types.
var fileTypes = map[gguf.TensorType]uint32{gguf.F32: 0, Q8: 7}

// About is what a file says of its model.
type About struct {
	Name, Description string
	// Made is entries of its own about how the model was made, RecipeKey
	// among them.
	Made gguf.Metadata
	// Tokenizer is the tokenizer.* entries.
	Tokenizer gguf.Metadata
}

// Write puts a model at path, F32 or Q8. The same network gives the same bytes.
func Write(path string, n *network.Network, about About, matrices gguf.TensorType) error {
	fileType, known := fileTypes[matrices]
	if !known {
		return fmt.Errorf("modelfile: write %s: type %s is not written here; use F32 or Q8_0", path, matrices)
	}
	s := n.Shape()
	metadata := gguf.Metadata{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.type", Value: "model"},
		{Key: "general.name", Value: about.Name},
		{Key: "general.description", Value: about.Description},
		{Key: "general.license", Value: "bsd-3-clause"},
		{Key: "general.file_type", Value: fileType},
		{Key: "general.quantization_version", Value: uint32(2)},
	}
	metadata = append(metadata, about.Made...)
	metadata = append(metadata, gguf.Metadata{
		{Key: "llama.vocab_size", Value: uint32(s.Vocabulary)},
		{Key: "llama.context_length", Value: uint32(s.Context)},
		{Key: "llama.embedding_length", Value: uint32(s.Embedding)},
		{Key: "llama.block_count", Value: uint32(s.Layers)},
		{Key: "llama.feed_forward_length", Value: uint32(s.FeedForward)},
		{Key: "llama.attention.head_count", Value: uint32(s.Heads)},
		{Key: "llama.attention.head_count_kv", Value: uint32(s.HeadsKV)},
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(network.NormEpsilon)},
		{Key: "llama.rope.dimension_count", Value: uint32(s.HeadSize())},
		{Key: "llama.rope.freq_base", Value: float32(network.RotaryBase)},
	}...)
	metadata = append(metadata, about.Tokenizer...)
	tensors := n.Tensors()
	table := make([]gguf.Tensor, len(tensors))
	for i, m := range tensors {
		table[i] = gguf.Tensor{Name: m.Name, Type: matrices, Shape: []uint64{uint64(m.Columns), uint64(m.Rows)}}
		if m.Vector {
			table[i].Type, table[i].Shape = gguf.F32, table[i].Shape[:1]
		}
	}
	file, err := gguf.Create(path, metadata, table)
	if err != nil {
		return fmt.Errorf("modelfile: %w", err)
	}
	defer file.Close() // drops the file unless it is committed
	for i, m := range tensors {
		data := m.Data()
		if table[i].Type == Q8 {
			_, err = file.Write(quantise(data))
		} else {
			err = binary.Write(file, binary.LittleEndian, data)
		}
		if err != nil {
			return fmt.Errorf("modelfile: %w", err)
		}
	}
	return file.Commit()
}

// blockElements share a scale in Q8_0.
const blockElements = 32

// quantise returns data, a multiple of 32 elements, as blocks of Q8_0: the scale
// as a half-precision number, then the elements over it.
func quantise(data []float32) []byte {
	out := make([]byte, 0, len(data)/blockElements*(2+blockElements))
	for ; len(data) > 0; data = data[blockElements:] {
		most := float32(0)
		for _, v := range data[:blockElements] {
			most = max(most, max(v, -v))
		}
		scale, inverse := most/127, float32(0)
		if scale > 0 {
			inverse = 1 / scale
		}
		out = binary.LittleEndian.AppendUint16(out, half(scale))
		for _, v := range data[:blockElements] {
			out = append(out, byte(int8(math.Round(float64(v*inverse)))))
		}
	}
	return out
}

// half returns the nearest half-precision number to x, which is not negative,
// ties to even; the largest for what is beyond.
func half(x float32) uint16 {
	const (
		fractionBits  = 10
		leastExponent = -14 // of numbers whose first bit is not stored
		most          = 0x7bff
	)
	if x == 0 {
		return 0
	}
	_, exponent := math.Frexp(float64(x)) // x is in [½, 1) of 2^exponent
	exponent = max(exponent-1, leastExponent)
	units := math.RoundToEven(math.Ldexp(float64(x), fractionBits-exponent))
	// The first bit, where there is one, carries into the exponent.
	return uint16(min(units+float64((exponent-leastExponent)<<fractionBits), most))
}
