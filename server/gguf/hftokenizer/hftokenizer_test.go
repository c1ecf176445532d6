package hftokenizer_test

import (
	"encoding/json/v2"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/gguf/hftokenizer"
)

// object is JSON that a test changes.
type object = map[string]any

// folder writes a model folder.
func folder(t *testing.T, tokenizer, config object) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]object{"tokenizer.json": tokenizer, "tokenizer_config.json": config} {
		if content == nil {
			continue
		}
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func added(id int, content string, special bool) object {
	return object{"id": id, "content": content, "special": special}
}

// byteLevel is a tokenizer of GPT-2's kind.
func byteLevel() object {
	return object{
		"added_tokens":  []any{added(4, "<|end|>", true), added(6, "<tool>", false)},
		"pre_tokenizer": object{"type": "ByteLevel", "add_prefix_space": false},
		"model": object{
			"type": "BPE", "vocab": object{"a": 0, "b": 1, "ab": 2, "abab": 3},
			"merges": []any{"a b", "ab ab"},
		},
	}
}

// characters is a tokenizer of SentencePiece's kind.
func characters() object {
	vocabulary := object{"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 259, "a": 260, "b": 261, "▁a": 262, "▁ab": 263, "x": 264}
	for b := range 256 {
		vocabulary[fmt.Sprintf("<0x%02X>", b)] = 3 + b
	}
	return object{
		"added_tokens": []any{added(0, "<unk>", true), added(1, "<s>", true), added(2, "</s>", true)},
		"normalizer": object{"type": "Sequence", "normalizers": []any{
			object{"type": "Prepend", "prepend": "▁"},
			object{"type": "Replace", "pattern": object{"String": " "}, "content": "▁"},
		}},
		"post_processor": object{"type": "TemplateProcessing", "single": []any{
			object{"SpecialToken": object{"id": "<s>"}}, object{"Sequence": object{"id": "A"}},
		}},
		"model": object{
			"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": vocabulary,
			"merges": []any{[]string{"▁", "a"}, []string{"▁a", "b"}},
		},
	}
}

// want compares entries; one that is nil must not be there.
func want(t *testing.T, dir, pre string, entries map[string]any) {
	t.Helper()
	tokenizer, err := hftokenizer.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := tokenizer.Metadata(pre)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range entries {
		if got, _ := metadata.Get(key); !reflect.DeepEqual(got, value) {
			t.Errorf("%s is %v, not %v", key, got, value)
		}
	}
}

func TestByteLevel(t *testing.T) {
	config := object{"eos_token": object{"content": "<|end|>"}, "bos_token": nil, "pad_token": "<|end|>", "chat_template": "{{ x }}"}
	want(t, folder(t, byteLevel(), config), "", map[string]any{
		"tokenizer.ggml.model":            "gpt2",
		"tokenizer.ggml.pre":              "gpt-2",
		"tokenizer.ggml.tokens":           []string{"a", "b", "ab", "abab", "<|end|>", "[PAD5]", "<tool>"},
		"tokenizer.ggml.token_type":       []int32{1, 1, 1, 1, 3, 5, 4},
		"tokenizer.ggml.merges":           []string{"a b", "ab ab"},
		"tokenizer.ggml.bos_token_id":     uint32(4),
		"tokenizer.ggml.eos_token_id":     uint32(4),
		"tokenizer.ggml.padding_token_id": uint32(4),
		"tokenizer.ggml.unknown_token_id": nil,
		"tokenizer.ggml.scores":           nil,
		"tokenizer.ggml.add_bos_token":    false,
		"tokenizer.ggml.add_eos_token":    false,
		"tokenizer.chat_template":         "{{ x }}",
	})
	want(t, folder(t, byteLevel(), nil), "falcon", map[string]any{
		"tokenizer.ggml.pre": "falcon", "tokenizer.ggml.bos_token_id": nil, "tokenizer.chat_template": nil,
	})
}

func TestCharacters(t *testing.T) {
	config := object{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
	dir := folder(t, characters(), config)
	tokenizer, err := hftokenizer.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := tokenizer.Metadata("")
	if err != nil {
		t.Fatal(err)
	}
	scores, _ := metadata.Get("tokenizer.ggml.scores")
	kinds, _ := metadata.Get("tokenizer.ggml.token_type")
	for token, w := range map[int]struct {
		score float32
		kind  int32
	}{0: {-2, 2}, 1: {-2, 3}, 3: {-2, 6}, 258: {-2, 6}, 259: {-2, 1}, 262: {0, 1}, 263: {-1, 1}, 264: {-2, 1}} {
		if score, kind := scores.([]float32)[token], kinds.([]int32)[token]; score != w.score || kind != w.kind {
			t.Errorf("token %d has score %v and type %d, not %v and %d", token, score, kind, w.score, w.kind)
		}
	}
	want(t, dir, "", map[string]any{
		"tokenizer.ggml.model":            "llama",
		"tokenizer.ggml.pre":              "default",
		"tokenizer.ggml.merges":           nil,
		"tokenizer.ggml.add_space_prefix": true,
		"tokenizer.ggml.unknown_token_id": uint32(0),
		"tokenizer.ggml.bos_token_id":     uint32(1),
		"tokenizer.ggml.add_bos_token":    true, // by the template
		"tokenizer.ggml.add_eos_token":    false,
	})
	config["add_bos_token"], config["add_eos_token"] = false, true
	want(t, folder(t, characters(), config), "", map[string]any{
		"tokenizer.ggml.add_bos_token": false, "tokenizer.ggml.add_eos_token": true,
	})
}

func TestSpaces(t *testing.T) {
	for name, c := range map[string]struct {
		normalizer, preTokenizer any
		prefix                   bool
	}{
		"no prefix":    {object{"type": "Replace", "pattern": object{"String": " "}, "content": "▁"}, nil, false},
		"no spaces":    {object{"type": "Replace", "pattern": object{"String": " "}, "content": "▁"}, object{"type": "Split", "pattern": object{"String": " "}}, false},
		"metaspace":    {nil, object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}, true},
		"no metaspace": {nil, object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}, false},
		"old":          {nil, object{"type": "Metaspace", "replacement": "▁", "add_prefix_space": false}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tokenizer := characters()
			tokenizer["normalizer"], tokenizer["pre_tokenizer"] = c.normalizer, c.preTokenizer
			want(t, folder(t, tokenizer, nil), "", map[string]any{"tokenizer.ggml.add_space_prefix": c.prefix})
		})
	}
}

func TestTemplates(t *testing.T) {
	dir := folder(t, byteLevel(), object{"chat_template": []any{
		object{"name": "default", "template": "d"}, object{"name": "tool_use", "template": "t"},
	}})
	want(t, dir, "", map[string]any{
		"tokenizer.chat_template": "d", "tokenizer.chat_template.tool_use": "t", "tokenizer.chat_templates": []string{"tool_use"},
	})
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte("own"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, dir, "", map[string]any{"tokenizer.chat_template": "own", "tokenizer.chat_templates": nil})
}

func TestNotes(t *testing.T) {
	tokenizer := byteLevel()
	tokenizer["normalizer"] = object{"type": "NFC"}
	tokenizer["pre_tokenizer"] = object{"type": "ByteLevel"}
	tokenizer["added_tokens"].([]any)[0].(object)["rstrip"] = true
	read, err := hftokenizer.Read(folder(t, tokenizer, nil))
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(read.Notes(), "\n")
	for _, text := range []string{"NFC", "a space goes in front", "1 added tokens"} {
		if !strings.Contains(notes, text) {
			t.Errorf("no word of %q in %q", text, notes)
		}
	}
}

func TestRefused(t *testing.T) {
	model := func(o object) object { return o["model"].(object) }
	for text, change := range map[string]func(bytes, chars object) (refused object){
		"only BPE can be":         func(b, _ object) object { model(b)["type"] = "Unigram"; model(b)["vocab"] = []any{}; return b },
		"marked as continuing":    func(b, _ object) object { model(b)["end_of_word_suffix"] = "</w>"; return b },
		"the same number 2":       func(b, _ object) object { model(b)["vocab"].(object)["c"] = 2; return b },
		"two numbers":             func(b, _ object) object { b["added_tokens"] = []any{added(9, "a", true)}; return b },
		"beyond":                  func(b, _ object) object { model(b)["vocab"].(object)["c"] = 1 << 40; return b },
		"is not two pieces":       func(b, _ object) object { model(b)["merges"] = []any{"ab"}; return b },
		"one space between":       func(b, _ object) object { model(b)["merges"] = []any{"a b c"}; return b },
		"cannot read":             func(b, _ object) object { model(b)["vocab"].(object)["c\x00"] = 4; return b },
		"--pre":                   func(b, _ object) object { b["pre_tokenizer"].(object)["use_regex"] = false; return b },
		"neither on bytes":        func(b, _ object) object { b["pre_tokenizer"] = nil; return b },
		"<0x7F>":                  func(_, c object) object { delete(model(c)["vocab"].(object), "<0x7F>"); return c },
		"spaces do not become":    func(_, c object) object { c["normalizer"] = nil; return c },
		"a step Whitespace":       func(_, c object) object { c["pre_tokenizer"] = object{"type": "Whitespace"}; return c },
		"read vocabulary":         func(b, _ object) object { model(b)["vocab"] = []any{"a"}; return b },
		"read merges":             func(b, _ object) object { model(b)["merges"] = 7; return b },
		"tokenizer.json: no such": func(_, _ object) object { return nil },
	} {
		tokenizer, err := hftokenizer.Read(folder(t, change(byteLevel(), characters()), nil))
		if err == nil {
			_, err = tokenizer.Metadata("")
		}
		if err == nil || !strings.Contains(err.Error(), text) || !strings.HasPrefix(err.Error(), "hftokenizer: ") {
			t.Errorf("%v, which lacks %q", err, text)
		}
	}
}
