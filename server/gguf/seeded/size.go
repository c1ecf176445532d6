package seeded

import (
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/gguf"
)

// Size names one of the models this package makes.
type Size string

// The sizes, by their number of parameters.
const (
	Tiny     Size = "tiny" // 1 M, F32, 4 MB
	Size15M  Size = "15m"  // 15 M, F16, 30 MB
	Size110M Size = "110m" // 110 M, F16, 220 MB
)

// Sizes returns every size, smallest first.
func Sizes() []Size { return []Size{Tiny, Size15M, Size110M} }

// ParseSize returns the size of that name.
func ParseSize(name string) (Size, error) {
	if _, known := architectures[Size(name)]; !known {
		return "", fmt.Errorf("seeded: no model size %q; choose one of %s", name, sizeNames())
	}
	return Size(name), nil
}

func sizeNames() string {
	var names []string
	for _, size := range Sizes() {
		names = append(names, string(size))
	}
	return strings.Join(names, ", ")
}

// architecture is a model's shape.
type architecture struct {
	vocabulary  int
	embedding   int // elements of a token's vector
	layers      int
	heads       int // of queries
	headsKV     int // of keys and values
	feedForward int
	context     int // tokens
	matrices    gguf.TensorType
}

func (a *architecture) headSize() int { return a.embedding / a.heads }

// architectures: F32 where the matrices fit a core's cache anyway and rounding
// should not matter, F16 where reading them is what a token costs.
var architectures = map[Size]architecture{
	Tiny: {
		vocabulary: 2048, embedding: 128, layers: 3, heads: 4, headsKV: 2,
		feedForward: 320, context: 2048, matrices: gguf.F32,
	},
	Size15M: {
		vocabulary: 4096, embedding: 512, layers: 4, heads: 8, headsKV: 4,
		feedForward: 1280, context: 2048, matrices: gguf.F16,
	},
	Size110M: {
		vocabulary: 16384, embedding: 768, layers: 12, heads: 12, headsKV: 12,
		feedForward: 2048, context: 2048, matrices: gguf.F16,
	},
}
