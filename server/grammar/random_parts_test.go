package grammar

import (
	"fmt"
	"strings"
)

func (a *author) object(depth int) sample {
	names := []string{"a", "ab", "name", "kind", "é", `q\"`, "x y"}
	a.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+a.IntN(4)]
	var properties, required []string
	parts := make([]sample, len(names))
	needed := make([]bool, len(names))
	for i, name := range names {
		parts[i] = a.sample(depth)
		properties = append(properties, `"`+name+`":`+parts[i].schema)
		if needed[i] = a.IntN(2) == 0; needed[i] {
			required = append(required, `"`+name+`"`)
		}
	}
	more, extra := []string{"", `,"additionalProperties":false`, `,"additionalProperties":true`, `,"additionalProperties":{"type":"integer"}`}[a.IntN(4)], ""
	if strings.HasSuffix(more, "true") || strings.HasSuffix(more, "}") {
		extra = `"abx":7`
	}
	return sample{
		`{"type":"object","properties":{` + strings.Join(properties, ",") + `},"required":[` + strings.Join(required, ",") + `]` + more + `}`,
		func() string {
			var members []string
			for i, name := range names {
				if needed[i] || a.IntN(2) == 0 {
					members = append(members, `"`+name+`":`+parts[i].value())
				}
			}
			if extra != "" && a.IntN(2) == 0 {
				members = append(members, extra)
			}
			return "{" + strings.Join(members, ",") + "}"
		}, "object",
	}
}

func (a *author) dictionary(depth int) sample {
	v := a.sample(depth)
	return sample{
		`{"type":"object","additionalProperties":` + v.schema + `,"maxProperties":3}`,
		func() string {
			var members []string
			for i := range a.IntN(4) {
				members = append(members, fmt.Sprintf(`"k%d":%s`, i, v.value()))
			}
			return "{" + strings.Join(members, ",") + "}"
		}, "object",
	}
}

func (a *author) array(depth int) sample {
	item := a.sample(depth)
	least := a.IntN(3)
	most := least + a.IntN(4)
	return sample{
		fmt.Sprintf(`{"type":"array","items":%s,"minItems":%d,"maxItems":%d}`, item.schema, least, most),
		func() string {
			items := make([]string, least+a.IntN(most-least+1))
			for i := range items {
				items[i] = item.value()
			}
			return "[" + strings.Join(items, ", ") + "]"
		}, "array",
	}
}

func (a *author) tuple(depth int) sample {
	first, second := a.sample(depth), a.sample(depth)
	return sample{
		`{"type":"array","prefixItems":[` + first.schema + `,` + second.schema + `],"items":false,"minItems":1}`,
		func() string {
			if a.IntN(3) == 0 {
				return "[" + first.value() + "]"
			}
			return "[" + first.value() + "," + second.value() + "]"
		}, "array",
	}
}

func (a *author) anyOf(depth int) sample {
	parts := []sample{a.sample(depth), a.sample(depth), a.sample(depth)}
	return sample{
		`{"anyOf":[` + parts[0].schema + `,` + parts[1].schema + `,` + parts[2].schema + `]}`,
		func() string { return parts[a.IntN(3)].value() }, "",
	}
}

// oneOf has branches that exclude each other.
func (a *author) oneOf(depth int) sample {
	var schemas []string
	parts := []sample{a.sample(depth), a.sample(depth)}
	for i, p := range parts {
		schemas = append(schemas, fmt.Sprintf(`{"type":"object","properties":{"tag":{"const":"t%d"},"v":%s},"required":["tag","v"]}`, i, p.schema))
	}
	return sample{
		`{"oneOf":[` + strings.Join(schemas, ",") + `]}`,
		func() string {
			i := a.IntN(2)
			return fmt.Sprintf(`{"tag":"t%d","v":%s}`, i, parts[i].value())
		}, "object",
	}
}

func (a *author) allOf(depth int) sample {
	x, y := a.sample(depth), a.sample(depth)
	return sample{
		`{"allOf":[{"type":"object","properties":{"x":` + x.schema + `},"required":["x"]},{"properties":{"y":` + y.schema + `,"x":{}},"required":["y"]}]}`,
		func() string { return `{"x":` + x.value() + `,"y":` + y.value() + `}` }, "object",
	}
}

func (a *author) distinct() sample {
	least := a.IntN(3)
	most := 2 + a.IntN(3)
	return sample{
		fmt.Sprintf(`{"type":"array","items":{"enum":["a","b",3,"c"]},"uniqueItems":true,"minItems":%d,"maxItems":%d}`, least, most),
		func() string {
			values := []string{`"a"`, `"b"`, "3", `"c"`}
			for n := least + a.IntN(most-least+1); len(values) > n; {
				i := a.IntN(len(values))
				values = append(values[:i], values[i+1:]...)
			}
			return "[" + strings.Join(values, ",") + "]"
		}, "array",
	}
}
