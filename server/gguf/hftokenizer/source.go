package hftokenizer

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxFileBytes bounds what is read; the largest published tokenizer.json has
// 34 MB.
const maxFileBytes = 256 << 20

// source is tokenizer.json, as far as it is used.
type source struct {
	AddedTokens   []addedToken `json:"added_tokens"`
	Normalizer    *step        `json:"normalizer"`
	PreTokenizer  *step        `json:"pre_tokenizer"`
	PostProcessor *step        `json:"post_processor"`
	Model         bpe          `json:"model"`
}

type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	StripLeft  bool   `json:"lstrip"`
	StripRight bool   `json:"rstrip"`
	Special    bool   `json:"special"`
}

// step is one normalizer, pre-tokenizer or post-processor, or a sequence of
// them; the type says which fields it has.
type step struct {
	Type string `json:"type"`

	Normalizers   []step `json:"normalizers"`
	PreTokenizers []step `json:"pretokenizers"`
	Processors    []step `json:"processors"`

	Pattern          pattern `json:"pattern"`
	Behavior         string  `json:"behavior"`
	Invert           bool    `json:"invert"`
	Content          string  `json:"content"`
	Prepend          string  `json:"prepend"`
	Replacement      string  `json:"replacement"`
	PrependScheme    string  `json:"prepend_scheme"`
	AddPrefixSpace   *bool   `json:"add_prefix_space"`
	UseRegex         *bool   `json:"use_regex"`
	IndividualDigits bool    `json:"individual_digits"`

	Single []templatePart `json:"single"` // of TemplateProcessing
}

// pattern is a fixed text or an expression.
type pattern struct {
	String string `json:"String"`
	Regex  string `json:"Regex"`
}

type templatePart struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct{} `json:"Sequence"`
}

// bpe is the model. Others than BPE have some of its fields in other shapes.
type bpe struct {
	Type         string         `json:"type"`
	Unknown      *string        `json:"unk_token"`
	Prefix       *string        `json:"continuing_subword_prefix"`
	Suffix       *string        `json:"end_of_word_suffix"`
	ByteFallback bool           `json:"byte_fallback"`
	IgnoreMerges bool           `json:"ignore_merges"`
	Vocabulary   jsontext.Value `json:"vocab"`
	Merges       jsontext.Value `json:"merges"`
}

// config is tokenizer_config.json.
type config struct {
	AddBegin     *bool          `json:"add_bos_token"`
	AddEnd       *bool          `json:"add_eos_token"`
	Begin        tokenText      `json:"bos_token"`
	End          tokenText      `json:"eos_token"`
	Padding      tokenText      `json:"pad_token"`
	Unknown      tokenText      `json:"unk_token"`
	ChatTemplate jsontext.Value `json:"chat_template"`
}

// tokenText is a token by its text: a string, an object that holds it as
// "content", or null.
type tokenText string

func (t *tokenText) UnmarshalJSON(data []byte) error {
	if jsontext.Value(data).Kind() != '{' {
		return json.Unmarshal(data, (*string)(t))
	}
	var object struct {
		Content string `json:"content"`
	}
	err := json.Unmarshal(data, &object)
	*t = tokenText(object.Content)
	return err
}

// readJSON decodes a file of the folder.
func readJSON(dir, name string, v any) error {
	content, err := readFile(dir, name)
	if err != nil {
		return err
	}
	// Published files repeat keys and hold lone surrogates.
	if err := json.Unmarshal(content, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(dir, name), err)
	}
	return nil
}

func readFile(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(content) > maxFileBytes {
		err = fmt.Errorf("read %s: it is larger than %d bytes", path, maxFileBytes)
	}
	return content, err
}
