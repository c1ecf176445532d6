package openai

import (
	"encoding/json/jsontext"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Form are the fields that hold the text to a form: OpenAI's, vLLM's and
// llama-server's. One of them may be used.
type Form struct {
	ResponseFormat    jsontext.Value `json:"response_format"`
	StructuredOutputs jsontext.Value `json:"structured_outputs"`
	GuidedJSON        jsontext.Value `json:"guided_json"`
	GuidedChoice      []string       `json:"guided_choice"`
	GuidedGrammar     string         `json:"guided_grammar"`
	Grammar           string         `json:"grammar"`
	JSONSchema        jsontext.Value `json:"json_schema"`
}

// Ask is the format that is asked for. The error is an *ask.Fault.
func (c *Form) Ask() (ask.Format, error) {
	var found ask.Format
	by := ""
	for _, f := range []struct {
		param string
		read  func(param string) (ask.Format, error)
	}{
		{"response_format", func(p string) (ask.Format, error) { return ReadFormat(p, c.ResponseFormat) }},
		{"structured_outputs", func(p string) (ask.Format, error) { return structuredOutputs(p, c.StructuredOutputs) }},
		{"guided_json", func(p string) (ask.Format, error) { return schemaFormat(p, c.GuidedJSON) }},
		{"guided_choice", func(p string) (ask.Format, error) { return choiceFormat(p, c.GuidedChoice) }},
		{"guided_grammar", func(string) (ask.Format, error) { return grammarFormat(c.GuidedGrammar), nil }},
		{"grammar", func(string) (ask.Format, error) { return grammarFormat(c.Grammar), nil }},
		{"json_schema", func(p string) (ask.Format, error) { return schemaFormat(p, c.JSONSchema) }},
	} {
		format, err := f.read(f.param)
		switch {
		case err != nil:
			return found, err
		case format.Kind == ask.FormatText:
		case by != "":
			return found, wire.Invalid(f.param, "%s asks for a form already: send one of the two", by)
		default:
			found, by = format, f.param
		}
	}
	return found, nil
}

// ReadFormat reads a format in OpenAI's form, of chat completions or of
// responses; param is its name.
func ReadFormat(param string, value jsontext.Value) (ask.Format, error) {
	var f struct {
		Type       string         `json:"type"`
		Schema     jsontext.Value `json:"schema"`
		Grammar    string         `json:"grammar"`
		JSONSchema *struct {
			Schema jsontext.Value `json:"schema"`
		} `json:"json_schema"`
	}
	if isNull(value) {
		return ask.Format{}, nil
	}
	if err := decodeField(param, value, &f); err != nil {
		return ask.Format{}, err
	}
	schema, where := f.Schema, param+".schema"
	if f.JSONSchema != nil {
		schema, where = f.JSONSchema.Schema, param+".json_schema.schema"
	}
	switch f.Type {
	case "text":
		return ask.Format{}, nil
	case "json_object":
		if isNull(schema) {
			return ask.Format{Kind: ask.FormatJSON}, nil
		}
		return schemaFormat(where, schema)
	case "json_schema":
		if isNull(schema) {
			return ask.Format{}, wire.Missing(where, "a JSON schema")
		}
		return schemaFormat(where, schema)
	case "grammar":
		if f.Grammar == "" {
			return ask.Format{}, wire.Missing(param+".grammar", "a grammar in GBNF")
		}
		return grammarFormat(f.Grammar), nil
	case "":
		return ask.Format{}, wire.Missing(param+".type", `"text", "json_object" or "json_schema"`)
	}
	return ask.Format{}, wire.Invalid(param+".type", `%q is not supported: use "text", "json_object", "json_schema" or "grammar"`, ask.Clip(f.Type, ask.QuotedBytes))
}

// structuredOutputs reads vLLM's object.
func structuredOutputs(param string, value jsontext.Value) (ask.Format, error) {
	var s struct {
		JSON       jsontext.Value            `json:"json"`
		JSONObject bool                      `json:"json_object"`
		Choice     []string                  `json:"choice"`
		Grammar    string                    `json:"grammar"`
		Rest       map[string]jsontext.Value `json:",embed"`
	}
	if isNull(value) {
		return ask.Format{}, nil
	}
	if err := decodeField(param, value, &s); err != nil {
		return ask.Format{}, err
	}
	if err := checkRest(s.Rest, structuredFields); err != nil {
		return ask.Format{}, wire.Inside(param, err)
	}
	var formats []ask.Format
	if format, err := schemaFormat(param+".json", s.JSON); err != nil {
		return format, err
	} else if format.Kind != ask.FormatText {
		formats = append(formats, format)
	}
	if format, err := choiceFormat(param+".choice", s.Choice); err != nil {
		return format, err
	} else if format.Kind != ask.FormatText {
		formats = append(formats, format)
	}
	if s.JSONObject {
		formats = append(formats, ask.Format{Kind: ask.FormatJSON})
	}
	if s.Grammar != "" {
		formats = append(formats, grammarFormat(s.Grammar))
	}
	switch len(formats) {
	case 0:
		return ask.Format{}, nil
	case 1:
		return formats[0], nil
	}
	return ask.Format{}, wire.Invalid(param, "%d forms are asked for: send one", len(formats))
}

// schemaFormat takes a schema as JSON, or as a string that holds it.
func schemaFormat(param string, value jsontext.Value) (ask.Format, error) {
	source := string(value)
	if value.Kind() == '"' {
		if err := decodeField(param, value, &source); err != nil {
			return ask.Format{}, err
		}
	}
	schema := jsontext.Value(source)
	switch {
	case isNull(value) || strings.TrimSpace(source) == "":
		return ask.Format{}, nil
	case !schema.IsValid():
		return ask.Format{}, wire.Invalid(param, "the string is no JSON")
	}
	switch schema.Kind() {
	case '{', 't': // true allows anything that is JSON
		return ask.Format{Kind: ask.FormatSchema, Source: source}, nil
	}
	return ask.Format{}, wire.Invalid(param, "expected a JSON schema, an object, got a JSON %s", wire.KindName(schema.Kind()))
}

func grammarFormat(source string) ask.Format {
	if strings.TrimSpace(source) == "" {
		return ask.Format{}
	}
	return ask.Format{Kind: ask.FormatGrammar, Source: source}
}

// maxTextChoices bounds the texts of which one is chosen.
const maxTextChoices = 1024

// choiceFormat is the grammar of one of some texts.
func choiceFormat(param string, texts []string) (ask.Format, error) {
	if len(texts) == 0 {
		return ask.Format{}, nil
	}
	if len(texts) > maxTextChoices {
		return ask.Format{}, wire.Invalid(param, "%d texts, at most %d are allowed", len(texts), maxTextChoices)
	}
	var b strings.Builder
	b.WriteString("root ::= ")
	for i, text := range texts {
		if text == "" {
			return ask.Format{}, wire.Invalid(param, "text %d is empty", i)
		}
		if i > 0 {
			b.WriteString(" | ")
		}
		appendLiteral(&b, text)
	}
	return ask.Format{Kind: ask.FormatGrammar, Source: b.String()}, nil
}

// appendLiteral writes a text as GBNF's literal.
func appendLiteral(b *strings.Builder, text string) {
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(b, `\x%02X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func isNull(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }

// decodeField reads a field's value; a fault names the field, or what is in it.
func decodeField(param string, value jsontext.Value, to any) error {
	err := wire.Decode(value, to)
	f, ok := err.(*ask.Fault)
	if !ok {
		return err
	}
	named := *f
	switch {
	case f.Param == "":
		named.Param, named.What = param, param+": "+f.What
	case f.Param[0] == '[':
		named.Param, named.What = param+f.Param, param+f.What
	default:
		return wire.Inside(param, f)
	}
	return &named
}
