package seeded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/gguf"
)

// write makes a model and returns its path.
func write(t *testing.T, size Size, seed uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := Write(path, size, seed); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameSeedSameBytes(t *testing.T) {
	first := read(t, write(t, Tiny, 7))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !bytes.Equal(first, read(t, write(t, Tiny, 7))) {
		t.Error("the same seed gave other bytes on one core")
	}
	if bytes.Equal(first, read(t, write(t, Tiny, 8))) {
		t.Error("another seed gave the same bytes")
	}
}

// The bytes of one model and its recipe change together, on every machine.
func TestRecipeFollowsTheBytes(t *testing.T) {
	const (
		wantRecipe = "e316bd9edb54b421a26483e4d80aa7ad"
		wantSum    = "214d78e576f0996dbe8667dec7f417e3"
	)
	sum := sha256.Sum256(read(t, write(t, Tiny, DefaultSeed)))
	gotRecipe, gotSum := Recipe(Tiny, DefaultSeed), hex.EncodeToString(sum[:16])
	switch {
	case gotSum == wantSum && gotRecipe == wantRecipe:
	case gotSum != wantSum && gotRecipe == wantRecipe:
		t.Errorf("the model changed and its recipe did not: raise recipeVersion")
	default:
		t.Errorf("the recipe changed: put recipe %s and sum %s here", gotRecipe, gotSum)
	}
}

// TestSizes counts what is planned, and checks that it is what a file holds.
// The plan of the largest is enough: writing it would take 220 MB and shows
// nothing that the others do not.
func TestSizes(t *testing.T) {
	want := map[Size]float64{Tiny: 1e6, Size15M: 15e6, Size110M: 110e6}
	for _, size := range Sizes() {
		tokens, err := vocabularies[size]()
		if err != nil {
			t.Fatal(err)
		}
		a := architectures[size]
		plan := a.tensors(tokens)
		parameters := uint64(0)
		for i := range plan {
			n, err := plan[i].Elements()
			if err != nil {
				t.Fatal(err)
			}
			parameters += n
		}
		if share := float64(parameters) / want[size]; share < 0.95 || share > 1.05 {
			t.Errorf("%s has %d parameters", size, parameters)
		}
		if parsed, err := ParseSize(string(size)); parsed != size || err != nil {
			t.Errorf("ParseSize(%s) = %s, %v", size, parsed, err)
		}
		if size != Size110M {
			checkFile(t, size, plan)
		}
	}
}

// checkFile writes a model and compares it with its plan.
func checkFile(t *testing.T, size Size, plan []weights) {
	t.Helper()
	path := write(t, size, DefaultSeed)
	if err := gguf.Check(path); err != nil {
		t.Error(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(file.Tensors, plan, func(got gguf.Tensor, want weights) bool {
		return got.Name == want.Name && got.Type == want.Type && slices.Equal(got.Shape, want.Shape)
	}) {
		t.Errorf("%s holds other tensors than planned", size)
	}
	if file.Metadata.Text(RecipeKey) != Recipe(size, DefaultSeed) {
		t.Errorf("%s does not hold its recipe", size)
	}
}

func TestUnknownSizeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, "model.gguf"), "70b", 1); err == nil {
		t.Error("no error for an unknown size")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
	if _, err := ParseSize("70b"); err == nil {
		t.Error("ParseSize takes an unknown size")
	}
}

func TestVocabulary(t *testing.T) {
	large, err := vocabularies[Size110M]()
	if err != nil {
		t.Fatal(err)
	}
	small, err := vocabularies[Tiny]()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(small, large[:len(small)]) {
		t.Error("a small vocabulary is not the beginning of a large one")
	}
	texts := map[string]bool{}
	for i, token := range large {
		if texts[token.text] || token.text == "" {
			t.Errorf("token %d, %q, is empty or there twice", i, token.text)
		}
		texts[token.text] = true
	}
	for _, text := range []string{"<0x00>", "<0x0A>", "<0xFF>", space, "a", "~", "▁the", "▁water", "▁▁"} {
		if !texts[text] {
			t.Errorf("no token %q", text)
		}
	}
}

// Every piece can be reached: it is two shorter pieces that come before it.
func TestPiecesJoinFromEarlierOnes(t *testing.T) {
	tokens, err := vocabularies[Size15M]()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, token := range tokens {
		if token.kind != kindNormal {
			continue
		}
		joins := len([]rune(token.text)) == 1
		for cut := range token.text {
			joins = joins || known[token.text[:cut]] && known[token.text[cut:]]
		}
		if !joins {
			t.Errorf("%q does not join from earlier pieces", token.text)
		}
		known[token.text] = true
	}
}

func TestFloat16Bits(t *testing.T) {
	tests := map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65519: 0x7bff, 65520: 0x7c00,
		float32(math.Inf(-1)): 0xfc00, 0x1p-14: 0x0400, 0x1p-24: 0x0001, 0x1p-25: 0, 0x1.8p-25: 0x0001,
		0x1.8p-24: 0x0002, 1.0 / 3: 0x3555, 1 + 0x1p-11: 0x3c00, 1 + 0x3p-11: 0x3c02, 0x1.ffcp-1: 0x3bff, 0x1.ffep-1: 0x3c00,
		0x1.ffffp-1: 0x3c00, float32(math.Copysign(0, -1)): 0x8000,
	}
	for value, want := range tests {
		if got := float16Bits(value); got != want && !(value == 0 && got&0x7fff == 0) {
			t.Errorf("float16Bits(%g) = %#04x, not %#04x", value, got, want)
		}
	}
	if got := float16Bits(float32(math.NaN())); got&0x7fff <= 0x7c00 {
		t.Errorf("float16Bits(NaN) = %#04x", got)
	}
}

// A vocabulary of somebody else's goes in as it is, whatever its size.
func TestAround(t *testing.T) {
	tokenizer := gguf.Metadata{
		{Key: "tokenizer.ggml.tokens", Value: []string{"<unk>", "a", "</s>"}},
		{Key: "tokenizer.ggml.token_type", Value: []int32{2, 1, 3}},
		{Key: "tokenizer.ggml.eos_token_id", Value: uint32(2)},
	}
	path := filepath.Join(t.TempDir(), "around.gguf")
	if err := WriteAround(path, "mine", tokenizer, 7); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := file.Metadata.Uint("llama.vocab_size")
	stored, _ := file.Metadata.Get("tokenizer.ggml.tokens")
	if size != 3 || !slices.Equal(stored.([]string), []string{"<unk>", "a", "</s>"}) || file.Metadata.Text("general.name") != "mine" {
		t.Errorf("%d tokens %v, name %q", size, stored, file.Metadata.Text("general.name"))
	}
	first := read(t, path)
	if err := WriteAround(path, "mine", tokenizer, 7); err != nil || !bytes.Equal(first, read(t, path)) {
		t.Errorf("the same seed gave other bytes, %v", err)
	}
	if err := WriteAround(path, "mine", tokenizer[:1], 7); err == nil {
		t.Error("a vocabulary without types was written")
	}
}
