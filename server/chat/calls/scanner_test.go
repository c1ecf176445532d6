package calls

import (
	"encoding/json/jsontext"
	"strings"
	"testing"
)

// scan gives a text to a scanner and returns it, and how much it took.
func scan(text string) (s scanner, taken int) {
	for taken < len(text) {
		if _, ok := s.step(text[taken]); !ok {
			break
		}
		taken++
	}
	return s, taken
}

func valid(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

var scanned = []string{
	`{}`, `[]`, ` {"a" : [ 1 , -0.5e+10, 0, 12E1, true,false , null ] , "b":{"c":"d\"\\\/\b\f\n\r\t\u00e9"}} `, `[[[]],[{}]]`, `{"":""}`,
	`{"a":1,}`, `{,}`, `[1,]`, `[01]`, `[1.]`, `[.5]`, `[1e]`, `[-]`, `[+1]`, `{"a"}`, `{"a":}`, `{1:2}`, `["\x"]`, `["\u00g0"]`, `[tru]`, `{"a":1]`, `[1}`,
	`"a"`, `1`, `x`, ``, `{}{}`, `[1 2]`, `{"a" "b"}`, `[nul`, "[\"\x01\"]",
}

func checkScanner(t *testing.T, text string) {
	t.Helper()
	s, taken := scan(text)
	escaped, isObject := appendObject(nil, []byte(text))
	if isObject && !valid(escaped) {
		t.Errorf("%q became %q", text, escaped)
	}
	container := strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "[")
	accepted := taken == len(text) && s.whole()
	if valid([]byte(text)) && container && !accepted && strings.Count(text, "[")+strings.Count(text, "{") <= scanDepth {
		t.Errorf("%q is JSON", text)
	}
	if accepted && !valid([]byte(text)) && strings.IndexFunc(text, func(r rune) bool { return r < ' ' }) < 0 {
		t.Errorf("%q is no JSON", text)
	}
	for n := 1; n <= taken; n++ {
		s, _ := scan(text[:n])
		if s.depth == 0 || strings.IndexFunc(text[:n], func(r rune) bool { return r < ' ' }) >= 0 {
			continue
		}
		if whole := s.appendRest([]byte(text[:n])); !valid(whole) {
			t.Errorf("%q was made whole as %q", text[:n], whole)
		}
	}
}

func TestScanner(t *testing.T) {
	for _, text := range scanned {
		checkScanner(t, text)
	}
	if s, taken := scan(strings.Repeat("[", 100)); taken != scanDepth || s.depth != scanDepth {
		t.Errorf("%d brackets are within each other", taken)
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range scanned {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1000 {
			checkScanner(t, text)
		}
	})
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		schema, value, want string
	}{
		{`{"type":"string"}`, "1", `"1"`},
		{`{"type":"integer"}`, " 1\n", `1`},
		{`{"type":"integer"}`, "one", `"one"`},
		{`{"type":"boolean"}`, "True", `true`},
		{`{"type":["string","null"]}`, "None", `null`},
		{`{"type":["string","null"]}`, "12", `"12"`},
		{`{"type":["string","null"]}`, `"x"`, `"\"x\""`},
		{`{"type":"string","nullable":true}`, "null", `null`},
		{`{"type":"array"}`, "[1, 2]", `[1, 2]`},
		{`{"type":"object"}`, `{"a":[`, `"{\"a\":["`},
		{`{"anyOf":[{"type":"integer"},{"type":"null"}]}`, "3", `3`},
		{`{"anyOf":[{"type":"integer"},{"$ref":"#/x"}]}`, "[3]", `[3]`},
		{`{"enum":["1","2"]}`, "1", `"1"`},
		{`{"enum":[1,2]}`, "1", `1`},
		{`{"const":true}`, "true", `true`},
		{`{"type":"strange"}`, "true", `true`},
		{`{"type":7}`, "x\t\"", `"x\t\""`},
		{`true`, "x", `"x"`},
	} {
		of := argumentTypes(arguments([]byte(`{"properties":{"k":` + c.schema + `}}`))["k"])
		if got := string(appendValue(nil, []byte(c.value), of)); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.schema, c.value, got, c.want)
		}
	}
	if argumentTypes(arguments([]byte(`no`))["k"]) != 0 || argumentTypes(arguments([]byte(`{}`))["k"]) != 0 {
		t.Error("types of nothing")
	}
}

// A text without calls costs no allocation once the buffers are there.
func TestNoAllocations(t *testing.T) {
	for _, name := range []string{"hermes", "harmony", "qwen-xml"} {
		var p Parser
		p.Reset(form(t, name), Options{Tools: tools})
		var piece Piece
		text := []byte(" <word> ")
		p.Add([]byte("Some text first, which is longer than what comes of it at once"))
		allocations := testing.AllocsPerRun(100, func() {
			p.Add(text)
			for p.Next(&piece) {
			}
		})
		if allocations != 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}
