package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/gguf"
)

// Limits of the library, which it asserts, and of this server.
const (
	maxLayers        = 512
	maxContextTokens = math.MaxInt32 / 2 // positions are an int32
	maxWidth         = 1 << 24           // of the hidden state, of a layer
	maxHeads         = 1 << 16
	maxHeadWidth     = 1 << 16
)

// transformers are the architectures whose layers are attention with heads of
// one width and a feed-forward part, and that this package knows to need it.
var transformers = []string{
	"llama", "mistral3", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi2", "phi3", "granite", "smollm3", "olmo", "olmo2",
	"command-r", "cohere2", "falcon", "gpt2", "gptneox", "starcoder2", "stablelm", "internlm2", "minicpm", "exaone",
}

// checkHyperparameters checks the numbers that the library computes with.
func (m *Model) checkHyperparameters() error {
	architecture, ok := m.Metadata.Get("general.architecture")
	if name, text := architecture.(string); !text || name == "" || strings.ContainsRune(name, 0) {
		if !ok {
			return gguf.Malformed("general.architecture is missing")
		}
		return gguf.Malformed("general.architecture is %s, not a name", shown(architecture))
	}
	for _, entry := range m.under() {
		if isNaN(entry.Value) { // infinity may be meant as a limit
			return gguf.Malformed("%s is %s, which is no number", entry.Key, shown(entry.Value))
		}
	}
	for _, rule := range []func() error{m.checkSizes, m.checkHeads, m.checkExperts, m.checkEpsilons, m.checkRope} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

// key is the architecture's own key of that name.
func (m *Model) key(name string) string { return m.Architecture() + "." + name }

func (m *Model) isTransformer() bool { return slices.Contains(transformers, m.Architecture()) }

func (m *Model) checkSizes() error {
	for _, size := range []struct {
		name     string
		top      uint64
		required bool
	}{
		{"block_count", maxLayers, true},
		{"context_length", maxContextTokens, true},
		{"embedding_length", maxWidth, true},
		{"vocab_size", math.MaxInt32, false},
	} {
		key := m.key(size.name)
		n, err := m.number(key, 1, size.top)
		if err != nil {
			return err
		}
		if n == 0 && size.required && m.isTransformer() {
			return gguf.Malformed("%s is missing", key)
		}
	}
	_, err := m.numbers(m.key("feed_forward_length"), m.layers(), 0, maxWidth)
	return err
}

// layers is the number of layers; it has been checked.
func (m *Model) layers() uint64 {
	n, _ := m.Metadata.Uint(m.key("block_count"))
	return n
}

// checkHeads: queries share keys evenly, and a head is a part of the state.
func (m *Model) checkHeads() error {
	low := uint64(0) // layers without attention have none
	if m.isTransformer() {
		low = 1
	}
	heads, err := m.numbers(m.key("attention.head_count"), m.layers(), low, maxHeads)
	if err != nil {
		return err
	}
	if heads == nil && m.isTransformer() {
		return gguf.Malformed("%s is missing", m.key("attention.head_count"))
	}
	shared, err := m.numbers(m.key("attention.head_count_kv"), m.layers(), low, maxHeads)
	if err != nil {
		return err
	}
	for layer := range max(len(heads), len(shared)) {
		queries, keys := at(heads, layer), at(shared, layer)
		if queries > 0 && keys > 0 && queries%keys != 0 {
			return gguf.Malformed("%d heads of queries in layer %d cannot share %d of keys", queries, layer, keys)
		}
	}
	return m.checkHeadWidths(heads)
}

// at is the number of a layer, where one may stand for all.
func at(numbers []uint64, layer int) uint64 {
	if len(numbers) == 0 {
		return 0
	}
	return numbers[min(layer, len(numbers)-1)]
}

func (m *Model) checkHeadWidths(heads []uint64) error {
	var widths [3]uint64
	for i, name := range []string{"attention.key_length", "attention.value_length", "rope.dimension_count"} {
		width, err := m.number(m.key(name), 0, maxHeadWidth)
		if err != nil {
			return err
		}
		widths[i] = width
	}
	keys, rotated := widths[0], widths[2]
	if rotated%2 != 0 {
		return gguf.Malformed("%s is %d, and it must be even", m.key("rope.dimension_count"), rotated)
	}
	if !m.isTransformer() {
		return nil
	}
	embedding, _ := m.Metadata.Uint(m.key("embedding_length"))
	for _, n := range heads {
		if keys == 0 && embedding%n != 0 {
			return gguf.Malformed("an embedding_length of %d cannot be shared by %d heads", embedding, n)
		}
		width := keys
		if width == 0 {
			width = embedding / n
		}
		if rotated > width {
			return gguf.Malformed("%s is %d, and a head has %d", m.key("rope.dimension_count"), rotated, width)
		}
		if m.Architecture() != "llama" {
			continue
		}
		for _, other := range widths[1:] { // the graph asserts that they are equal
			if other != 0 && other != width {
				return gguf.Malformed("a head has keys of %d elements, and value_length or rope.dimension_count is %d", width, other)
			}
		}
	}
	return nil
}

// checkExperts: the library asserts that there are experts to use.
func (m *Model) checkExperts() error {
	all, err := m.number(m.key("expert_count"), 0, maxHeads)
	if err != nil {
		return err
	}
	used, err := m.numbers(m.key("expert_used_count"), m.layers(), 0, all)
	if err != nil {
		return err
	}
	if all > 0 && (len(used) == 0 || slices.Max(used) == 0) {
		return gguf.Malformed("it has %d experts, and %s says that none is used", all, m.key("expert_used_count"))
	}
	return nil
}

// checkEpsilons: a norm divides by the root of a square and its epsilon. The
// library asserts the sign; zero and NaN give logits that are no numbers.
func (m *Model) checkEpsilons() error {
	for _, entry := range m.under() {
		if !strings.HasSuffix(entry.Key, "epsilon") {
			continue
		}
		if epsilon, ok := entry.Value.(float32); !ok || !(epsilon > 0 && epsilon <= 1) {
			return gguf.Malformed("%s is %s, not a small float32 above 0", entry.Key, shown(entry.Value))
		}
	}
	return nil
}

// ropeScalings are the kinds the library asserts to know.
var ropeScalings = []string{"none", "linear", "yarn", "longrope"}

// leastRope is far below what models have. A turn by less than a millionth of a
// smallest float32 is no number, if only at positions that a short trial has not.
const leastRope = 1e-6

// checkRope: positions are turned by powers of the base, and divided by the factor.
func (m *Model) checkRope() error {
	for name, mayBeZero := range map[string]bool{
		"rope.freq_base": false, "rope.freq_base_swa": false, "rope.scaling.factor": true, "rope.scale_linear": true,
	} {
		key := m.key(name)
		value, ok, err := m.real(key)
		if err != nil {
			return err
		}
		if ok && value < leastRope && !(mayBeZero && value == 0) {
			return gguf.Malformed("%s is %v: it must be above 0, and no less than %v", key, float32(value), leastRope)
		}
	}
	key := m.key("rope.scaling.type")
	if kind, there := m.Metadata.Get(key); there && !slices.Contains(ropeScalings, m.Metadata.Text(key)) {
		return gguf.Malformed("%s is %s, not one of %s", key, shown(kind), strings.Join(ropeScalings, ", "))
	}
	_, err := m.number(m.key("rope.scaling.original_context_length"), 0, math.MaxInt32)
	return err
}

// shown is a value as an error names it: hostile ones are long.
func shown(value any) string {
	text := fmt.Sprintf("%v", value)
	if s, ok := value.(string); ok {
		text = fmt.Sprintf("%q", s)
	}
	if value == nil {
		text = "missing"
	}
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return text
}
