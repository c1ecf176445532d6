package grammar

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// sample is a schema and a maker of values that it allows, in the order and the
// bounds that package schema says.
type sample struct {
	schema string
	value  func() string
	kind   string // the JSON types, "" if not known
}

// author writes random schemas.
type author struct {
	*rand.Rand
	defs []sample
}

// document writes a schema with definitions, some of them recursive.
func (a *author) document() sample {
	a.defs = nil
	for range a.IntN(3) {
		a.defs = append(a.defs, a.sample(2))
	}
	if a.IntN(2) == 0 {
		at := len(a.defs)
		item := a.sample(1)
		depth := 0
		var value func() string
		value = func() string {
			if depth++; depth > 4 || a.IntN(2) == 0 {
				depth = 0
				return `{"item":` + item.value() + `,"next":null}`
			}
			return `{"item":` + item.value() + `,"next":` + value() + `}`
		}
		a.defs = append(a.defs, sample{
			fmt.Sprintf(`{"type":"object","properties":{"item":%s,"next":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/d%d"}]}},"required":["item","next"],"additionalProperties":false}`, item.schema, at),
			value, "object",
		})
	}
	s := a.sample(4)
	if len(a.defs) == 0 {
		return s
	}
	var defs []string
	for i, d := range a.defs {
		defs = append(defs, fmt.Sprintf(`"d%d":%s`, i, d.schema))
	}
	return sample{`{"title":"test","$defs":{` + strings.Join(defs, ",") + `},"allOf":[` + s.schema + `]}`, s.value, s.kind}
}

func (a *author) sample(depth int) sample {
	scalars := []func() sample{a.null, a.boolean, a.integer, a.number, a.text, a.pattern, a.format, a.enum, a.constant, a.several, a.reference, a.distinct}
	if depth == 0 || a.IntN(3) == 0 {
		return scalars[a.IntN(len(scalars))]()
	}
	return []func(int) sample{a.object, a.object, a.array, a.tuple, a.anyOf, a.oneOf, a.allOf, a.dictionary}[a.IntN(8)](depth - 1)
}

func (a *author) null() sample {
	return sample{`{"type":"null"}`, func() string { return "null" }, "null"}
}

func (a *author) boolean() sample {
	return sample{`{"type":"boolean","description":"x"}`, func() string { return strconv.FormatBool(a.IntN(2) == 0) }, "boolean"}
}

func (a *author) integer() sample {
	low := int64(a.IntN(2000)) - 1000
	high := low + int64(a.IntN(1200))
	switch a.IntN(4) {
	case 0:
		return sample{`{"type":"integer"}`, func() string { return fmt.Sprint(a.IntN(1e6) - 5e5) }, "number"}
	case 1:
		return sample{fmt.Sprintf(`{"type":"integer","minimum":%d}`, low), func() string { return fmt.Sprint(low + int64(a.IntN(1e5))) }, "number"}
	case 2:
		return sample{fmt.Sprintf(`{"type":"integer","maximum":%d}`, low), func() string { return fmt.Sprint(low - int64(a.IntN(1e5))) }, "number"}
	}
	return sample{fmt.Sprintf(`{"type":"integer","exclusiveMinimum":%d,"maximum":%d}`, low-1, high), func() string { return fmt.Sprint(low + a.Int64N(high-low+1)) }, "number"}
}

func (a *author) number() sample {
	low := (a.IntN(2000) - 1000)
	high := low + 1 + a.IntN(300)
	cents := func(n int) string { return strconv.FormatFloat(float64(n)/100, 'f', -1, 64) }
	switch a.IntN(3) {
	case 0:
		return sample{`{"type":"number"}`, func() string { return strconv.FormatFloat(float64(a.IntN(1e6))/1000, "fe"[a.IntN(2)], -1, 64) }, "number"}
	case 1:
		return sample{fmt.Sprintf(`{"type":"number","minimum":%s,"maximum":%s}`, cents(low), cents(high)), func() string { return cents(low + a.IntN(high-low+1)) }, "number"}
	}
	return sample{fmt.Sprintf(`{"type":"number","exclusiveMinimum":%s,"exclusiveMaximum":%s}`, cents(low-1), cents(high)), func() string { return cents(low + a.IntN(high-low)) }, "number"}
}

// letters are characters and how a string has them.
var letters = []string{"a", "b", "z", " ", "é", "語", "😀", `\"`, `\\`, `\n`, `\u0007`, `\u00e9`, `\ud83d\ude00`, "/", "{", "}", ",", ":"}

func (a *author) characters(least, most int) string {
	s := `"`
	for range least + a.IntN(most-least+1) {
		s += letters[a.IntN(len(letters))]
	}
	return s + `"`
}

func (a *author) text() sample {
	least := a.IntN(5)
	most := least + a.IntN(20)
	switch a.IntN(3) {
	case 0:
		return sample{`{"type":"string"}`, func() string { return a.characters(0, 30) }, "string"}
	case 1:
		return sample{fmt.Sprintf(`{"type":"string","minLength":%d}`, least), func() string { return a.characters(least, least+30) }, "string"}
	}
	return sample{fmt.Sprintf(`{"type":"string","minLength":%d,"maxLength":%d}`, least, most), func() string { return a.characters(least, most) }, "string"}
}

func (a *author) pick(of ...string) func() string {
	return func() string { return of[a.IntN(len(of))] }
}

func (a *author) pattern() sample {
	return []sample{
		{`{"type":"string","pattern":"^[a-z]{2,4}-[0-9]+$"}`, a.pick(`"ab-1"`, `"abcd-0123"`), "string"},
		{`{"type":"string","pattern":"b"}`, a.pick(`"b"`, `"aéb\n"`), "string"},
		{`{"type":"string","pattern":"^(GET|POST) /[^ \"]*$","maxLength":20}`, a.pick(`"GET /"`, `"POST /a/b"`), "string"},
		{`{"type":"string","pattern":"^\\w+@\\w+\\.(com|org)$","minLength":9}`, a.pick(`"abc@d.com"`, `"x_1@yyyyyyyyy.org"`), "string"},
		{`{"type":"string","pattern":"x$"}`, a.pick(`"x"`, `"ax"`, `"\\x"`), "string"},
	}[a.IntN(5)]
}

func (a *author) format() sample {
	return []sample{
		{`{"type":"string","format":"date"}`, a.pick(`"2024-02-29"`, `"1999-12-31"`), "string"},
		{`{"type":"string","format":"time"}`, a.pick(`"12:00:00Z"`, `"23:59:59.25+01:30"`), "string"},
		{`{"type":"string","format":"date-time"}`, a.pick(`"2024-02-29T12:00:00Z"`), "string"},
		{`{"type":"string","format":"uuid"}`, a.pick(`"123e4567-e89b-12d3-a456-426614174000"`), "string"},
		{`{"type":"string","format":"ipv4"}`, a.pick(`"127.0.0.1"`, `"255.255.249.10"`), "string"},
		{`{"type":"string","format":"ipv6"}`, a.pick(`"2001:db8:0:0:0:0:0:1"`), "string"},
		{`{"type":"string","format":"email"}`, a.pick(`"a.b@example.com"`), "string"},
		{`{"type":"string","format":"hostname"}`, a.pick(`"a-b.example"`, `"localhost"`), "string"},
		{`{"type":"string","format":"uri"}`, a.pick(`"https://example.com/a?b=c#d"`), "string"},
		{`{"type":"string","format":"duration"}`, a.pick(`"P1DT12H"`, `"PT5M"`, `"P3W"`), "string"},
		{`{"type":"string","format":"int32"}`, a.pick(`"any"`), "string"},
	}[a.IntN(11)]
}

func (a *author) enum() sample {
	return sample{`{"enum":["red","gr\u00fcn",12,null,{"a":[true]},"re"]}`, a.pick(`"red"`, `"grün"`, `12`, `null`, `{"a":[true]}`, `"re"`), ""}
}

func (a *author) constant() sample {
	v := a.characters(0, 5)
	return sample{`{"const":` + v + `}`, nil, "string"}.fixed(v)
}

// fixed has the value that the compiler writes for a constant: without escapes
// that need not be.
func (s sample) fixed(v string) sample {
	v = strings.NewReplacer(`\u00e9`, "é", `\ud83d\ude00`, "😀").Replace(v)
	s.value = func() string { return v }
	return s
}

func (a *author) several() sample {
	return sample{`{"type":["string","integer","null"],"minLength":1,"minimum":0}`, a.pick(`"a"`, `0`, `17`, `null`), ""}
}

func (a *author) reference() sample {
	if len(a.defs) == 0 {
		return a.boolean()
	}
	i := a.IntN(len(a.defs))
	return sample{fmt.Sprintf(`{"$ref":"#/$defs/d%d","title":"x"}`, i), a.defs[i].value, a.defs[i].kind}
}
