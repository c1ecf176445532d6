package grammar

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestSchemas(t *testing.T) {
	checkSchemas(t, []schemaTexts{
		{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}`,
			[]string{`{"a":1}`, `{"a": -12,"b":"x\n"}`, "{\n  \"a\": 3\n}"},
			[]string{`{}`, `{"b":"x"}`, `{"a":1.5}`, `{"a":1,"c":2}`, `{"a":01}`, `{"a":1,}`, "{\"a\":1}\n"}},
		{`{"type":"array","items":{"enum":["x",1,null]},"minItems":1,"maxItems":3}`,
			[]string{`["x"]`, `[1, null,"x"]`}, []string{`[]`, `[1,1,1,1]`, `[2]`}},
		{`true`, []string{`{}`, `[[[]]]`, `"\u00e9"`, `-0.5e10`, `"\ud83d\ude00"`}, []string{`"\ud83d"`, `01`, `[`, `"` + "\n" + `"`}},
		{`{"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"]}},"$ref":"#/$defs/n"}`,
			[]string{`{"v":1,"next":null}`, `{"v":1,"next":{"v":2,"next":null}}`}, []string{`{"v":1}`, `{"v":1,"next":{}}`}},
		{`{"allOf":[{"properties":{"a":{"type":"number"}},"required":["a"]},{"properties":{"b":{"const":true},"a":{"type":["integer","null"]}}}]}`,
			[]string{`{"a":1}`, `{"a":2,"b":true}`}, []string{`{"a":null}`, `{"a":1.5}`, `{"b":true}`}},
		{`{"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]}`, []string{`{}`, `{"a":1}`}, []string{`{"b":1}`}},
		{`{"properties":{"ab":{"type":"null"},"a":{"type":"null"}},"additionalProperties":{"type":"integer"}}`,
			[]string{`{"ab":null,"x":1}`, `{"a":null,"abc":2,"":3,"aé":1}`, `{}`}, []string{`{"x":1,"ab":2}`, `{"ab":1}`, `{"x":null}`}},
		{`{"type":"object","additionalProperties":{"type":"boolean"},"minProperties":1,"maxProperties":2}`,
			[]string{`{"a":true}`, `{"a":true,"b":false}`}, []string{`{}`, `{"a":1}`, `{"a":true,"b":true,"c":true}`}},
		{`{"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"integer"}}`, []string{`{"a":1}`}, []string{`{"c":1}`}},
		{`{"type":"object","patternProperties":{"^x":{"type":"integer"}},"additionalProperties":false}`, []string{`{"x1":1}`, `{}`}, []string{`{"y":1}`, `{"x":null}`}},
		{`{"prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":1}`, []string{`[1]`, `[1,"a"]`}, []string{`[]`, `["a"]`, `[1,"a",1]`}},
		{`{"prefixItems":[{"type":"integer"}],"items":{"type":"null"},"minItems":2,"maxItems":3}`, []string{`[1,null]`, `[1,null,null]`}, []string{`[1]`, `[1,1]`, `[1,null,null,null]`}},
		{`{"items":[{"type":"integer"}],"additionalItems":false}`, []string{`[1]`, `[]`}, []string{`[1,1]`}},
		{`{"items":{"enum":["a","b","c"]},"uniqueItems":true}`, []string{`[]`, `["a"]`, `["a","c"]`, `["a", "b","c"]`, `["c"]`}, []string{`["a","a"]`, `["a","b","c","c"]`, `["d"]`}},
		{`{"items":{"enum":["a","b",1,1.0]},"uniqueItems":true,"minItems":2,"maxItems":2}`, []string{`["a","b"]`, `["b",1]`}, []string{`["a"]`, `["a","b",1]`, `[1,1.0]`, `[]`}},
		{`{"items":{"type":"string"},"uniqueItems":true,"maxItems":1}`, []string{`[]`, `["a"]`}, []string{`["a","b"]`}},
		{`{"type":["string","null"],"enum":["a",null,3]}`, []string{`"a"`, `null`}, []string{`3`}},
		{`{"type":"string","nullable":true}`, []string{`"a"`, `null`}, []string{`3`}},
		{`{"type":"string","enum":["a","abc"],"maxLength":2}`, []string{`"a"`}, []string{`"abc"`}},
		{`{"const":{"a":[1,"x"]}}`, []string{`{"a":[1,"x"]}`}, []string{`{"a":[1]}`}},
		{`{"type":"object","required":["z"]}`, []string{`{"z":1}`}, []string{`{}`}},
		{`{"oneOf":[{"type":"integer"},{"type":"object","properties":{"k":{"const":"v"}},"required":["k"]}]}`, []string{`1`, `{"k":"v"}`}, []string{`{}`, `"v"`}},
		{`{"type":"object","properties":{"a":{"type":"integer"}},"anyOf":[{"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}`,
			[]string{`{"a":1}`, `{"b":1}`, `{"a":1,"b":2}`}, []string{`{}`}},
	})
}

func TestSchemasOfScalars(t *testing.T) {
	checkSchemas(t, []schemaTexts{
		{`{"minimum":-5,"maximum":12,"type":"integer"}`, []string{`-5`, `0`, `12`, `9`}, []string{`-6`, `13`, `100`, `1.0`, `00`}},
		{`{"type":"number","minimum":0,"exclusiveMaximum":1}`, []string{`0`, `0.5`, `0.9999`, `0.0`}, []string{`1`, `1.0`, `-1`, `2`}},
		{`{"type":"number","exclusiveMinimum":0.25,"maximum":10.5}`, []string{`0.251`, `0.3`, `1`, `10.5`, `10.50`, `10`, `9.99`}, []string{`0.25`, `0.2`, `0.250`, `10.51`, `11`}},
		{`{"type":"number","multipleOf":0.01}`, []string{`1`, `1.25`, `-0.5`}, []string{`1.255`}},
		{`{"type":"integer","multipleOf":7}`, []string{`0`, `7`, `-14`, `700000007`, `1001`}, []string{`1`, `70.0`, `-0`, `15`}},
		{`{"multipleOf":5,"exclusiveMinimum":-10,"maximum":100}`, []string{`-5`, `0`, `100`}, []string{`-10`, `105`, `3`}},
		{`{"enum":[1,4,6.0,7.5],"multipleOf":2}`, []string{`4`, `6.0`}, []string{`1`, `7.5`}},
		{`{"type":"string","minLength":2,"maxLength":3}`, []string{`"ab"`, `"日本語"`, `"\"\\"`}, []string{`"a"`, `"abcd"`}},
		{`{"type":"string","pattern":"^[a-z]+\\.\"?$","maxLength":4}`, []string{`"ab."`, `"ab.\""`}, []string{`"abc.\""`, `"."`, `"ab"`}},
		{`{"pattern":"^[\\u00e0-\\u00ff]\\/\\u{1F600}\\\\u$"}`, []string{`"é/😀\\u"`}, []string{`"e/😀\\u"`}},
		{`{"pattern":"^a.b$"}`, []string{`"a b"`, "\"a\u2027b\""}, []string{`"a\nb"`, `"a\rb"`, "\"a\u2028b\"", "\"a\u2029b\""}},
		{`{"pattern":"b+"}`, []string{`"b"`, `"xbby\n"`}, []string{`"xa"`, `""`}},
		{`{"pattern":"^a|b$"}`, []string{`"ax"`, `"xb"`, `"a"`}, []string{`"xa"`, `"bx"`}},
		{`{"format":"date"}`, []string{`"2024-02-29"`, `"2023-12-31"`}, []string{`"2023-02-29"`, `"2023-13-01"`, `"2023-04-31"`}},
		{`{"format":"date-time"}`, []string{`"2024-02-29T12:00:59Z"`, `"2024-02-01T12:00:59.123+02:00"`}, []string{`"2024-02-29 12:00:59Z"`}},
		{`{"format":"email","maxLength":254}`, []string{`"a@b.c"`}, nil},
		{`{"format":"date","minLength":10,"maxLength":10}`, []string{`"2024-02-29"`}, []string{`"2023-02-29"`}},
		{`{"format":"uri","maxLength":20}`, []string{`"https://example.com"`}, []string{`"https://example.com/a"`, `"x"`}},
		{`{"format":"uri","maxLength":10000}`, []string{`"https://example.com"`}, nil},
		{`{"format":"uuid"}`, []string{`"123e4567-e89b-12d3-a456-426614174000"`}, []string{`"123e4567e89b12d3a456426614174000"`}},
		{`{"format":"ipv4"}`, []string{`"255.1.0.10"`}, []string{`"256.1.0.10"`, `"01.1.1.1"`}},
	})
}

// schemaTexts are texts that a schema allows, and others.
type schemaTexts struct {
	schema   string
	yes, not []string
}

func checkSchemas(t *testing.T, tests []schemaTexts) {
	t.Helper()
	v := toy(rand.New(rand.NewPCG(1, 1)), 100)
	for _, test := range tests {
		g := compiled(t, v, schemaForm(test.schema))
		for _, s := range test.yes {
			if !accepts(g, s) {
				t.Errorf("%s does not accept %s", test.schema, s)
			}
		}
		for _, s := range test.not {
			if accepts(g, s) {
				t.Errorf("%s accepts %s", test.schema, s)
			}
		}
	}
}

func TestSchemaFaults(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	for _, test := range []struct{ schema, what string }{
		{`{`, "it is no JSON"},
		{`3`, "#: a schema is an object"},
		{`{"type":"strin"}`, `#/type: "strin" is no type`},
		{`{"properties":{"a/b":{"not":{}}}}`, "#/properties/a~1b/not: not is not supported"},
		{`{"items":{"uniqueItems":true}}`, "#/items/uniqueItems: uniqueItems is supported for items with enum alone"},
		{`{"pattern":"(?=a)"}`, "#/pattern: the pattern is not supported"},
		{`{"pattern":"\\ba"}`, "#: \\b, \\B and (?m) are not supported"},
		{`{"$ref":"#/$defs/x"}`, `"#/$defs/x" refers to nothing`},
		{`{"$ref":"http://x/y"}`, "is another document"},
		{`{"$ref":"#"}`, "leads to itself"},
		{`{"properties":{"a":{"$ref":"#"}},"required":["a"]}`, "no value of a finite length is valid"},
		{`false`, "no value"},
		{`{"enum":[]}`, "no value"},
		{`{"multipleOf":0.3}`, "#/multipleOf: multipleOf is supported for integers"},
		{`{"multipleOf":7,"minimum":1}`, "#/multipleOf: multipleOf is supported beside both minimum and maximum"},
		{`{"multipleOf":700}`, "#/multipleOf: multipleOf is supported up to 100"},
		{`{"multipleOf":2,"minimum":0,"maximum":100000}`, "#/multipleOf: more than 4096 multiples"},
		{`{"minItems":-1}`, "#/minItems: a whole number"},
		{`{"anyOf":[]}`, "#/anyOf: an array of schemas is expected"},
		{`{"minimum":"1"}`, "#/minimum: a number"},
		{strings.Repeat(`{"items":`, 200) + `{}` + strings.Repeat(`}`, 200), "nests more than 128 deep"},
		{`{"pattern":"` + strings.Repeat(`(a|b|c)?`, 30) + `x{900}(.{1000}|y)z","maxLength":100000}`, "too large together"},
	} {
		g, err := Compile(t.Context(), ask.Format{Kind: ask.FormatSchema, Source: test.schema}, v)
		f, ok := err.(*ask.Fault)
		if !ok || g != nil || !strings.Contains(f.Error(), test.what) || f.Param != "json_schema" {
			t.Errorf("%.60s: %v", test.schema, err)
		}
	}
}

// Each mask on random walks is what the bytes of each token say.
func TestMasks(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	v := toy(random, 300)
	for _, form := range []Form{
		{Format: ask.Format{Kind: ask.FormatJSON}},
		schemaForm(`{"properties":{"a":{"type":"string"},"b":{"type":"string","maxLength":5},"c":{"type":"string","minLength":40},"d":{"pattern":"^.{2,4}$"},"e":{"type":"number"}},"required":["a","b","c","d","e"]}`),
		grammarForm("root ::= [^x]{3,9} (\"é\" | .)* [\\x80-\\xff]"),
		grammarForm("root ::= \"(\" root \")\" | [a-c]+"),
	} {
		g := compiled(t, v, form)
		for range 10 {
			m := g.Matcher()
			for range 40 {
				allowed := checkMask(t, m)
				token := allowed[random.IntN(len(allowed))]
				if m.Accept(token); token == endToken {
					break
				}
			}
		}
	}
}

// A long list of values is held to, whole.
func TestLongEnum(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	var values []string
	for i := range 5000 {
		values = append(values, fmt.Sprintf("%q", fmt.Sprint("zone", i*7)))
	}
	g := compiled(t, v, schemaForm(`{"enum":[`+strings.Join(values, ",")+`]}`))
	for i, value := range values {
		if !accepts(g, value) || accepts(g, fmt.Sprintf("%q", fmt.Sprint("zone", i*7+1))) {
			t.Fatal(value)
		}
	}
}

// The same where most tokens are taken without a look at each.
func TestMasksOfPlainText(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	v := toy(random, 4000)
	for _, test := range []struct {
		form Form
		text string
	}{
		{schemaForm(`{"properties":{"name":{"type":"integer"},"the":{"type":"integer"}},"additionalProperties":true}`), `{"name`},
		{grammarForm(`root ::= "a" [^b]* | "ab" .{2,40}`), "abcabc"},
	} {
		m := compiled(t, v, test.form).Matcher()
		for i := range len(test.text) {
			checkMask(t, m)
			m.Accept(ask.Token(test.text[i]))
		}
		if allowed := checkMask(t, m); len(allowed) < 500 {
			t.Errorf("%s: %d tokens are allowed", test.form.Source, len(allowed))
		}
	}
}
