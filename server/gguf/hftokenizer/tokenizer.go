package hftokenizer

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Tokenizer is a folder's tokenizer. It does not change and may be used by
// many goroutines.
type Tokenizer struct {
	source    source
	config    config
	templates []template

	tokens []token
	merges []merge
	number map[string]int // of a token
}

type token struct {
	text string
	kind kind
}

// kind is what the file calls tokenizer.ggml.token_type.
type kind int32

const (
	normal      kind = 1
	unknown     kind = 2
	control     kind = 3
	userDefined kind = 4
	unused      kind = 5
	byteToken   kind = 6
)

// merge joins two pieces.
type merge struct{ left, right string }

// template is a chat template; one without a name is the model's first.
type template struct{ name, source string }

// maxTokens bounds a vocabulary, whose numbers come from the file; the largest
// published one has 300 000.
const maxTokens = 1 << 22

// Read reads the tokenizer of a model folder: tokenizer.json, and
// tokenizer_config.json and chat_template.jinja if they are there. Errors name
// the file.
func Read(dir string) (*Tokenizer, error) {
	t := &Tokenizer{}
	if err := t.read(dir); err != nil {
		return nil, fmt.Errorf("hftokenizer: %w", err)
	}
	return t, nil
}

func (t *Tokenizer) read(dir string) error {
	if err := readJSON(dir, "tokenizer.json", &t.source); err != nil {
		return err
	}
	if err := readJSON(dir, "tokenizer_config.json", &t.config); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := t.readTemplates(dir); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return fmt.Errorf("convert %s: %w", dir, err)
	}
	return nil
}

// readTemplates reads the chat template, which may be a text, a list of named
// ones, or a file of its own.
func (t *Tokenizer) readTemplates(dir string) error {
	switch kind := t.config.ChatTemplate.Kind(); kind {
	case '"':
		var text string
		if err := json.Unmarshal(t.config.ChatTemplate, &text); err != nil {
			return err
		}
		t.templates = []template{{source: text}}
	case '[':
		var named []struct {
			Name     string `json:"name"`
			Template string `json:"template"`
		}
		if err := json.Unmarshal(t.config.ChatTemplate, &named); err != nil {
			return fmt.Errorf("read chat_template: %w", err)
		}
		for _, n := range named {
			if n.Name == "default" {
				n.Name = ""
			}
			t.templates = append(t.templates, template{n.Name, n.Template})
		}
	}
	content, err := readFile(dir, "chat_template.jinja")
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		t.templates = []template{{source: string(content)}}
	}
	return nil
}

// check makes the vocabulary and refuses what cannot be converted.
func (t *Tokenizer) check() error {
	m := &t.source.Model
	switch {
	case m.Type != "BPE" && m.Type != "": // old files leave it out
		return fmt.Errorf("its model is of type %s, and only BPE can be converted", m.Type)
	case deref(m.Prefix) != "" || deref(m.Suffix) != "":
		return errors.New("its pieces are marked as continuing or ending a word, which the library does not know")
	}
	if err := t.readVocabulary(); err != nil {
		return err
	}
	return t.readMerges()
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// readMerges reads them in both shapes: a text with a space in it, or a pair.
func (t *Tokenizer) readMerges() error {
	list := t.source.Model.Merges
	var pairs [][2]string
	if json.Unmarshal(list, &pairs) != nil {
		var texts []string
		if err := json.Unmarshal(list, &texts); err != nil {
			return fmt.Errorf("read merges: %w", err)
		}
		pairs = make([][2]string, len(texts))
		for i, text := range texts {
			left, right, ok := strings.Cut(text, " ")
			if !ok {
				return fmt.Errorf("read merges: %q is not two pieces", text)
			}
			pairs[i] = [2]string{left, right}
		}
	}
	t.merges = make([]merge, len(pairs))
	for i, p := range pairs {
		if p[0] == "" || p[1] == "" || strings.Contains(p[0]+p[1], " ") {
			return fmt.Errorf("read merges: %q and %q: the library reads two pieces with one space between", p[0], p[1])
		}
		t.merges[i] = merge{p[0], p[1]}
	}
	return nil
}

// readVocabulary numbers the tokens.
func (t *Tokenizer) readVocabulary() error {
	var numbers map[string]int
	err := json.Unmarshal(t.source.Model.Vocabulary, &numbers, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("read vocabulary: %w", err)
	}
	largest := -1
	for text, number := range numbers {
		if number < 0 || number >= maxTokens {
			return fmt.Errorf("token %q has the number %d, beyond %d", text, number, maxTokens)
		}
		largest = max(largest, number)
	}
	for _, added := range t.source.AddedTokens {
		if added.ID < 0 || added.ID >= maxTokens {
			return fmt.Errorf("token %q has the number %d, beyond %d", added.Content, added.ID, maxTokens)
		}
		largest = max(largest, added.ID)
	}
	t.tokens = make([]token, largest+1)
	t.number = numbers
	for text, number := range numbers {
		if err := t.put(number, token{text, t.kindOf(text)}); err != nil {
			return err
		}
	}
	for _, added := range t.source.AddedTokens {
		if err := t.add(added); err != nil {
			return err
		}
	}
	for number := range t.tokens {
		if t.tokens[number].text == "" {
			t.tokens[number] = token{t.unusedText(number), unused}
		}
	}
	return nil
}

// unusedText returns a text that no token has.
func (t *Tokenizer) unusedText(number int) string {
	text := fmt.Sprintf("[PAD%d]", number)
	for {
		if _, taken := t.number[text]; !taken {
			return text
		}
		text = "[" + text + "]"
	}
}

// put gives a number to a token, which must be the only one with it.
func (t *Tokenizer) put(number int, tok token) error {
	switch had := t.tokens[number].text; {
	case tok.text == "" || strings.ContainsRune(tok.text, 0):
		return fmt.Errorf("token %d is %q, which the library cannot read", number, tok.text)
	case had != "" && had != tok.text:
		return fmt.Errorf("tokens %q and %q have the same number %d", had, tok.text, number)
	}
	t.tokens[number] = tok
	return nil
}

// add puts an added token in, over the same one of the model.
func (t *Tokenizer) add(added addedToken) error {
	tok := token{added.Content, userDefined}
	switch {
	case t.isUnknown(added.Content):
		tok.kind = unknown
	case added.Special:
		tok.kind = control
	}
	if number, ok := t.number[added.Content]; ok && number != added.ID {
		return fmt.Errorf("token %q has two numbers, %d and %d", added.Content, number, added.ID)
	}
	t.number[added.Content] = added.ID
	return t.put(added.ID, tok)
}

// kindOf returns the kind of one of the model's own tokens.
func (t *Tokenizer) kindOf(text string) kind {
	switch {
	case t.isUnknown(text):
		return unknown
	case t.source.Model.ByteFallback && isByte(text):
		return byteToken
	}
	return normal
}

// isUnknown reports whether a token stands for what no other one does; with a
// token for each byte of a byte-level model there is nothing unknown.
func (t *Tokenizer) isUnknown(text string) bool {
	return t.source.Model.ByteFallback && text == deref(t.source.Model.Unknown)
}

// isByte reports whether a token stands for one byte, as in "<0x0A>".
func isByte(text string) bool {
	var b byte
	n, err := fmt.Sscanf(text, "<0x%02X>", &b)
	return err == nil && n == 1 && text == fmt.Sprintf("<0x%02X>", b)
}
