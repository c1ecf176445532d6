package check_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/server/gguf"
	"github.com/weirgo/weir/server/gguf/check"
	"github.com/weirgo/weir/server/gguf/tamper"
)

func TestSoundModel(t *testing.T) {
	m, err := check.Open(tamper.Write(t, func(*tamper.Model) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Architecture() != "llama" || m.Tensors() != 30 || len(m.Parts) != 1 || m.SizeBytes() < 4<<20 {
		t.Errorf("%s, %d tensors, %d parts, %d bytes", m.Architecture(), m.Tensors(), len(m.Parts), m.SizeBytes())
	}
}

// set is a change of one key.
func set(key string, value any) func(*tamper.Model) {
	return func(m *tamper.Model) { m.Set(key, value) }
}

// flaws are changes of a sound model that would take the engine down or make
// it answer nonsense, and what is said of them.
var flaws = []struct {
	name   string
	change func(*tamper.Model)
	want   string
}{
	{"no layers", set("llama.block_count", uint32(0)), "llama.block_count is 0"},
	{"too many layers", set("llama.block_count", uint32(513)), "llama.block_count is 513, not a whole number from 1 to 512"},
	{"all layers", set("llama.block_count", uint32(math.MaxUint32)), "llama.block_count is 4294967295"},
	{"layers are a text", set("llama.block_count", "3"), `llama.block_count is "3"`},
	{"layers are missing", func(m *tamper.Model) { m.Delete("llama.block_count") }, "llama.block_count is missing"},
	{"endless context", set("llama.context_length", uint32(math.MaxUint32)), "llama.context_length is 4294967295"},
	{"no context", set("llama.context_length", uint32(0)), "llama.context_length is 0"},
	{"no state", set("llama.embedding_length", uint32(0)), "llama.embedding_length is 0"},
	{"other state", func(m *tamper.Model) {
		m.Set("llama.embedding_length", uint32(256))
		m.Set("llama.rope.dimension_count", uint32(64))
	}, "tensor \"token_embd.weight\" is of shape [128 2048]"},
	{"huge state", set("llama.embedding_length", uint32(1<<31)), "llama.embedding_length is 2147483648"},
	{"no heads", set("llama.attention.head_count", uint32(0)), "llama.attention.head_count is 0"},
	{"heads missing", func(m *tamper.Model) { m.Delete("llama.attention.head_count") }, "llama.attention.head_count is missing"},
	{"uneven heads", set("llama.attention.head_count", uint32(6)), "cannot be shared by 6 heads"},
	{"no keys", set("llama.attention.head_count_kv", uint32(0)), "head_count_kv is 0"},
	{"uneven keys", set("llama.attention.head_count_kv", uint32(3)), "cannot share 3 of keys"},
	{"heads of two layers", set("llama.attention.head_count", []uint32{4, 4}), "has 2 numbers for 3 layers"},
	{"negative heads", set("llama.attention.head_count", []int32{4, 4, -1}), "is -1 for layer 2"},
	{"wide heads", set("llama.attention.key_length", uint32(1<<20)), "key_length is 1048576"},
	{"other keys", set("llama.attention.key_length", uint32(64)), "keys of 64 elements"},
	{"other values", set("llama.attention.value_length", uint32(64)), "value_length or rope.dimension_count is 64"},
	{"odd rope", set("llama.rope.dimension_count", uint32(31)), "it must be even"},
	{"wide rope", set("llama.rope.dimension_count", uint32(64)), "and a head has 32"},
	{"rope without base", set("llama.rope.freq_base", float32(0)), "llama.rope.freq_base is 0"},
	{"rope of NaN", set("llama.rope.freq_base", float32(math.NaN())), "llama.rope.freq_base is NaN"},
	{"infinite rope", set("llama.rope.freq_base", float32(math.Inf(1))), "llama.rope.freq_base is +Inf"},
	{"rope's scale", set("llama.rope.scaling.factor", float32(-1)), "must be above 0"},
	{"rope's scale of next to nothing", set("llama.rope.scaling.factor", float32(1e-38)), "rope.scaling.factor is 1e-38: it must be above 0, and no less than 1e-06"},
	{"rope's base of next to nothing", set("llama.rope.freq_base", float32(1e-38)), "llama.rope.freq_base is 1e-38"},
	{"rope's first context", set("llama.rope.scaling.original_context_length", uint32(math.MaxUint32)), "original_context_length is 4294967295"},
	{"rope of another kind", set("llama.rope.scaling.type", "gpt2"), `llama.rope.scaling.type is "gpt2"`},
	{"epsilon of NaN", set("llama.attention.layer_norm_rms_epsilon", float32(math.NaN())), "epsilon is NaN"},
	{"infinite epsilon", set("llama.attention.layer_norm_rms_epsilon", float32(math.Inf(1))), "epsilon is +Inf"},
	{"no epsilon", set("llama.attention.layer_norm_rms_epsilon", float32(0)), "epsilon is 0"},
	{"negative epsilon", set("llama.attention.layer_norm_rms_epsilon", float32(-1e-5)), "epsilon is -1e-05"},
	{"epsilon of another type", set("llama.attention.layer_norm_rms_epsilon", 1e-5), "not a small float32"},
	{"any NaN", set("llama.logit_scale", float32(math.NaN())), "llama.logit_scale is NaN"},
	{"NaN in an array", set("llama.some.scales", []float32{1, float32(math.NaN())}), "llama.some.scales"},
	{"no expert used", set("llama.expert_count", uint32(8)), "none is used"},
	{"more experts used", func(m *tamper.Model) {
		m.Set("llama.expert_count", uint32(2))
		m.Set("llama.expert_used_count", uint32(3))
	}, "expert_used_count is 3"},
	{"wide layer", set("llama.feed_forward_length", uint32(math.MaxUint32)), "feed_forward_length is 4294967295"},
	{"no architecture", func(m *tamper.Model) { m.Delete("general.architecture") }, "general.architecture is missing"},
	{"architecture is a number", set("general.architecture", uint32(1)), "general.architecture is 1"},

	{"same token", func(m *tamper.Model) { texts, _, _ := m.Tokens(); texts[900] = texts[800] }, "tokens 800 and 900 are both"},
	{"token with NUL", func(m *tamper.Model) { texts, _, _ := m.Tokens(); texts[900] = "a\x00b" }, "token 900,"},
	{"token that looks empty", func(m *tamper.Model) { texts, _, _ := m.Tokens(); texts[900], texts[901] = "", "[EMPTY_900]" }, "tokens 900 and 901"},
	{"no tokens", set("tokenizer.ggml.tokens", []string{}), "no array of at least one text"},
	{"tokens are numbers", set("tokenizer.ggml.tokens", []uint32{1}), "no array of at least one text"},
	{"a byte is missing", func(m *tamper.Model) { texts, _, _ := m.Tokens(); texts[index(texts, "<0x7F>")] = "nobyte" }, "is a byte and not called"},
	{"a byte is missing and untyped", func(m *tamper.Model) {
		texts, _, types := m.Tokens()
		i := index(texts, "<0xE2>")
		texts[i], types[i] = "nobyte", 1
	}, "token <0xE2> is missing"},
	{"byte of another name", func(m *tamper.Model) { _, _, types := m.Tokens(); types[900] = 6 }, "token 900, "},
	{"few scores", func(m *tamper.Model) { _, scores, _ := m.Tokens(); m.Set("tokenizer.ggml.scores", scores[:100]) }, "one for each of 2048"},
	{"scores are texts", set("tokenizer.ggml.scores", []string{"1"}), "no array of numbers"},
	{"score of NaN", func(m *tamper.Model) { _, scores, _ := m.Tokens(); scores[900] = float32(math.NaN()) }, "score of token 900"},
	{"few types", func(m *tamper.Model) { _, _, types := m.Tokens(); m.Set("tokenizer.ggml.token_type", types[:100]) }, "one for each of 2048"},
	{"types of another type", set("tokenizer.ggml.token_type", []uint32{1}), "no array of int32"},
	{"no such begin", set("tokenizer.ggml.bos_token_id", uint32(2048)), "bos_token_id is 2048, and the vocabulary has tokens 0 to 2047"},
	{"no such end", set("tokenizer.ggml.eos_token_id", uint32(math.MaxUint32)), "eos_token_id is 4294967295"},
	{"end is a text", set("tokenizer.ggml.eos_token_id", "</s>"), "eos_token_id is \"</s>\""},
	{"merge of one", set("tokenizer.ggml.merges", []string{"a b", "ab"}), `merge 1, "ab"`},
	{"merge with nothing", set("tokenizer.ggml.merges", []string{"a "}), `merge 0, "a "`},
	{"empty merge", set("tokenizer.ggml.merges", []string{""}), `merge 0, ""`},
	{"merges are numbers", set("tokenizer.ggml.merges", []int32{1}), "no array of texts"},
	{"no vocabulary", set("tokenizer.ggml.model", "none"), "it has no vocabulary"},
	{"no tokenizer", func(m *tamper.Model) { m.Delete("tokenizer.ggml.model") }, "tokenizer.ggml.model is missing"},
	{"a tree without its branches", set("tokenizer.ggml.model", "rwkv"), "begins tokens and is none"},
	{"half characters", func(m *tamper.Model) {
		m.Set("tokenizer.ggml.model", "gpt2")
		texts, _, _ := m.Tokens()
		texts[900] = "\xe2"
	}, "is not UTF-8"},

	{"key twice", func(m *tamper.Model) {
		m.Metadata = append(m.Metadata, gguf.KV{Key: "llama.block_count", Value: uint32(3)})
	}, "is there twice"},
	{"empty key", set("", uint32(1)), "a metadata key is empty"},
	{"key with NUL", set("a\x00b", uint32(1)), "has a NUL"},
	{"nested array", set("a", []any{[]uint32{1}}), "array of arrays"},
	{"long tensor name", func(m *tamper.Model) { m.Tensors[3].Name = strings.Repeat("x", 64) }, "names have 1 to 63 bytes"},
	{"tensor name with NUL", func(m *tamper.Model) { m.Tensors[3].Name = "a\x00b" }, "or a NUL"},
	{"tensor without name", func(m *tamper.Model) { m.Tensors[3].Name = "" }, "names have 1 to 63 bytes"},
	{"embedding's rank", func(m *tamper.Model) { m.Tensor("token_embd.weight").Shape = []uint64{128 * 2048} }, "is of shape [262144]"},
	{"no embedding", func(m *tamper.Model) { m.Tensor("token_embd.weight").Name = "other.weight" }, "is missing"},
	{"norm of NaN", func(m *tamper.Model) { copy(m.Weights("blk.1.attn_norm.weight")[16:], "\x00\x00\xc0\x7f") },
		`element 4 of tensor "blk.1.attn_norm.weight"`},
	{"infinite norm", func(m *tamper.Model) { copy(m.Weights("output_norm.weight")[4:], "\x00\x00\x80\xff") }, `element 1 of tensor "output_norm.weight"`},
	{"norm of half a NaN", func(m *tamper.Model) {
		m.Tensor("output_norm.weight").Type = gguf.F16
		copy(m.Weights("output_norm.weight"), "\x00\x7c")
	}, `element 0 of tensor "output_norm.weight"`},
	{"norm of a brain NaN", func(m *tamper.Model) {
		m.Tensor("output_norm.weight").Type = 30
		copy(m.Weights("output_norm.weight"), "\x00\x00\x80\x7f")
	}, `element 1 of tensor "output_norm.weight"`},

	{"first of two parts", func(m *tamper.Model) {
		m.Set("split.count", uint16(2))
		m.Set("split.no", uint16(0))
	}, `does not end in "-00001-of-00002.gguf"`},
	{"too many parts", set("split.count", uint16(60000)), "split.count is 60000"},
}

func index(texts []string, text string) int {
	for i := range texts {
		if texts[i] == text {
			return i
		}
	}
	return -1
}

func TestFlaws(t *testing.T) {
	for _, flaw := range flaws {
		t.Run(flaw.name, func(t *testing.T) {
			path := tamper.Write(t, flaw.change)
			err := check.File(path)
			if err == nil || !strings.Contains(err.Error(), flaw.want) {
				t.Errorf("error %v, want %q", err, flaw.want)
			}
			if err != nil && (!errors.Is(err, gguf.ErrMalformed) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "download or convert it again")) {
				t.Errorf("error %v, want one that is gguf.ErrMalformed, names the file and says what to do", err)
			}
		})
	}
}

// What is unusual but works is let through.
func TestPasses(t *testing.T) {
	for name, change := range map[string]func(*tamper.Model){
		"unknown architecture": func(m *tamper.Model) {
			m.Set("general.architecture", "strange")
			m.Set("strange.block_count", uint32(3))
			m.Delete("llama.block_count")
		},
		"a limit of infinity": set("llama.time_step_limit", []float32{0, float32(math.Inf(1))}),
		"a tree of bytes": func(m *tamper.Model) {
			m.Set("tokenizer.ggml.model", "rwkv")
			texts, _, types := m.Tokens()
			for i := range texts {
				texts[i], types[i] = fmt.Sprintf("\\x%02x", i%256), 1
				if i >= 256 {
					texts[i] += fmt.Sprintf("\\t\\n\\r\\\\'%d", i)
				}
			}
		},
		"one empty token":     func(m *tamper.Model) { texts, _, _ := m.Tokens(); texts[900] = "" },
		"whole-number scores": set("tokenizer.ggml.scores", make([]int32, 2048)),
		"heads of each layer": set("llama.attention.head_count", []uint32{4, 4, 4}),
		"byte by its own text": func(m *tamper.Model) {
			texts, _, types := m.Tokens()
			i := index(texts, "<0x41>")
			texts[i], types[i] = "A0", 1
		},
		"merge with a space": set("tokenizer.ggml.merges", []string{"  a", "a b"}),
	} {
		if err := check.File(tamper.Write(t, change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOffsets: the library takes tensors to lie in a row.
func TestOffsets(t *testing.T) {
	content := tamper.Sound(t)
	at := strings.Index(string(content), "blk.0.attn_norm.weight")
	offset := at + len("blk.0.attn_norm.weight") + 4 + 8 + 4
	content[offset] += 64
	path := filepath.Join(t.TempDir(), "moved.gguf")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check.File(path); err == nil || !strings.Contains(err.Error(), "the one before it ends at") {
		t.Errorf("error %v", err)
	}
}

func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, socket, empty, secret := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket"), filepath.Join(dir, "empty"), filepath.Join(dir, "secret")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: socket}); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{empty: 0o644, secret: 0} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		dir: "it is a directory", pipe: "it is a pipe", socket: "it is a socket", "/dev/null": "it is a device",
		"/dev/zero": "it is a device", empty: "it is empty", filepath.Join(dir, "absent"): "no such file",
	} {
		if err := check.File(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if os.Geteuid() != 0 { // root may read it
		if err := check.File(secret); err == nil || !strings.Contains(err.Error(), "check the file's permissions") {
			t.Errorf("unreadable: %v", err)
		}
	}
}

func TestSplit(t *testing.T) {
	m, err := check.Open(tamper.WriteSplit(t, func(*tamper.Model) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if len(m.Parts) != 2 || m.Tensors() != 30 {
		t.Errorf("%d parts, %d tensors", len(m.Parts), m.Tensors())
	}
	for want, change := range map[string]func(*tamper.Model){
		"split.no is 1":             set("split.no", uint32(1)), // the library asserts the type
		"split.no is 5":             set("split.no", uint16(5)),
		"two parts have a tensor":   func(m *tamper.Model) { m.Tensors[0].Name = "token_embd.weight" },
		"the parts have 29 tensors": func(m *tamper.Model) { m.Tensors = m.Tensors[1:] },
		"is not a finite number":    func(m *tamper.Model) { copy(m.Weights("output_norm.weight"), "\x00\x00\xc0\x7f") },
	} {
		if err := check.File(tamper.WriteSplit(t, change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	first := tamper.WriteSplit(t, func(*tamper.Model) {})
	if err := os.Remove(strings.Replace(first, "00001-of", "00002-of", 1)); err != nil {
		t.Fatal(err)
	}
	if err := check.File(first); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "part split-00002-of-00002.gguf") {
		t.Errorf("part missing: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	identity := func(path string) string {
		t.Helper()
		m, err := check.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		text, err := m.Identity()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	sound := identity(tamper.Write(t, func(*tamper.Model) {}))
	if again := identity(tamper.Write(t, func(*tamper.Model) {})); again != sound {
		t.Error("the same model at another path is another")
	}
	for name, change := range map[string]func(*tamper.Model){
		"metadata": set("general.name", "other"),
		"weights":  func(m *tamper.Model) { clear(m.Weights("output.weight")) },
		"first":    func(m *tamper.Model) { m.Weights("token_embd.weight")[0]++ },
		"last":     func(m *tamper.Model) { w := m.Weights("output.weight"); w[len(w)-1]++ },
	} {
		if identity(tamper.Write(t, change)) == sound {
			t.Errorf("other %s, same identity", name)
		}
	}
}
