package grammar

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// Schemas that would be too much work are refused before much of it is done. Each
// of these once took minutes, or gigabytes.
func TestSchemasTooMuchWork(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	many := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, ",")
	}
	for name, test := range map[string]struct{ schema, what string }{
		"values by a long pattern":    {`{"enum":[` + many(20_000, `"a%d"`) + `],"pattern":"` + strings.Repeat("[a-z]?", 10_000) + `"}`, "the pattern is too large"},
		"values by a pattern":         {`{"enum":[` + many(20_000, `"a%d"`) + `],"pattern":"` + strings.Repeat("[a-z]?", 5_000) + `"}`, "too much work"},
		"patterns":                    {`{"properties":{` + many(3_000, `"%[1]d":{"format":"email","maxLength":1%[1]d,"pattern":"a"}`) + `}}`, "too much work"},
		"lists of schemas":            {`{"properties":{` + many(8_000, `"%d":{}`) + `},"allOf":[` + many(500, `{"additionalProperties":{"minLength":%d}}`) + `]}`, "too much work"},
		"properties in many branches": {`{"properties":{` + many(8_000, `"%d":{}`) + `},"anyOf":[` + many(250, `{"required":["%d"]}`) + `]}`, "it needs more than 32768 rules"},
		"values in none of two lists": {`{"allOf":[{"enum":[` + many(20_000, `%d`) + `]},{"enum":[` + many(18_000, `-1%d`) + `]}]}`, "no value of a finite length"},
	} {
		_, err := Compile(t.Context(), ask.Format{Kind: ask.FormatSchema, Source: test.schema}, v)
		if f, ok := errors.AsType[*ask.Fault](err); !ok || !strings.Contains(f.Error(), test.what) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

// A name with a replacement character is a name like others.
func TestNamesWithReplacement(t *testing.T) {
	checkSchemas(t, []schemaTexts{{
		`{"properties":{"a\ufffd":{"type":"integer"}},"additionalProperties":{"type":"string"}}`,
		[]string{"{\"a\ufffd\":1}", "{\"a\":\"x\"}", "{\"a\ufffdb\":\"x\"}"}, []string{"{\"a\ufffd\":\"x\"}"},
	}})
}

// Values of two lists are the same however they are written.
func TestSameValues(t *testing.T) {
	checkSchemas(t, []schemaTexts{{
		`{"allOf":[{"enum":[1.0,{"a":1,"b":[2]},"x",null,3]},{"enum":[{"b":[2.0],"a":1e0},1,"x","3",false]}]}`,
		[]string{`1.0`, `{"a":1,"b":[2]}`, `"x"`}, []string{`null`, `3`, `"3"`, `false`, `1`},
	}})
}
