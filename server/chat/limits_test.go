package chat

import (
	"errors"
	"strings"
	"testing"
)

func TestCompileRefuses(t *testing.T) {
	tests := map[string]string{
		"line 2: the tag":       "\n{{ messages",
		"raw block":             "{% raw %} {% endraw }",
		"compile template":      "{{ 1 + }}",
		"the limit is":          strings.Repeat("x", DefaultLimits().SourceBytes+1),
		"nested more than":      "{{ " + strings.Repeat("(", 5000) + strings.Repeat(")", 5000) + " }}",
		"or brackets are":       strings.Repeat("{% if x %}", 5000) + strings.Repeat("{% endif %}", 5000),
		"give the server":       "{% if %}",
		"there is no endmacro":  "{% macro f() %}",
		"blocks or brackets ar": strings.Repeat("{% set a %}", 5000),
	}
	for text, source := range tests {
		_, err := New(source, "", "")
		if err == nil || !strings.Contains(err.Error(), text) || len(err.Error()) > 500 {
			t.Errorf("%.40q: %v, which lacks %q", source, err, text)
		}
	}
}

func TestRenderIsBounded(t *testing.T) {
	tests := map[string]string{
		"macros call each other": `{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`,
		"call each other":        `{%- macro f(g) -%} {{ g(g) }} {%- endmacro -%}{{ f(f) }}`,
		"steps":                  `{% for a in range(600) %}{% for b in range(600) %}{% endfor %}{% endfor %}`,
		"numbers":                `{{ range(10000000000) }}`,
		"step of 0":              `{{ range(1, 2, 0) }}`,
		"bytes of text":          `{% for a in range(20) %}{{ a ~ 'x' * 60000 }}{% endfor %}`,
		"more than 134217728":    `{{ [1] | tojson(indent=100000000000) }}`,
		"nested too deeply":      `{% set n = namespace() %}{% set n.n = n %}{{ n }}`,
		"is unsafe":              `{% set a = {} %}{% set _ = a.update({'a': a}) %}{{ a | tojson }}`,
		"cannot be written":      `{{ nothing | tojson }}`,
		"unknown filter":         `{{ 1 | no_such_filter }}`,
	}
	for text, source := range tests {
		limits := DefaultLimits()
		limits.Steps = 100000
		limits.OutputBytes = 1 << 20
		template, err := NewLimited(source, "", "", limits)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		_, err = template.text(Input{})
		var failure *RenderError
		if !errors.As(err, &failure) || failure.BadRequest || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, which lacks %q", source, err, text)
		}
	}
}

// What Python's Jinja2 makes of the same.
func TestWhiteSpace(t *testing.T) {
	tests := map[string]string{
		"{% for a in [1,2] %}\n\n  {{ a }}\n  {% endfor %}\nx":                      "\n  1\n\n  2\nx",
		"{% for a in [1,2] -%}\n\n  {{ a }}\n  {%- endfor %}x":                      "12x",
		"{% macro f() %}\n m \n{% endmacro %}\n[{{ f() }}]":                         "[ m \n]",
		"{%- macro f() -%}\n m \n{%- endmacro -%}\n[{{ f() }}]":                     "[m]",
		"{% for a in [] %}{% else %}none{% endfor %}":                               "none",
		"{% raw %}{% for %}{{ x | tojson }}{% endraw %}{# | tojson #}{{ 1|tojson}}": "{% for %}{{ x | tojson }}1",
		"a {%- raw -%} b {%- endraw -%} c":                                          "abc",
		"a: {{ 1 }}{%- if true %}{{ 2 }}\n{%- endif %}":                             "a: 12",
		"{% if true %}{{ 1 }}\n\nb{% endif %}":                                      "1\n\nb",
		"  {% if true %}\n  x\n  {%+ if true +%}\n  y{% endif %}{% endif %}":        "  x\n  \n  y",
		"{{ {'a': {'b': 1}}.a.b }}":                                                 "1",
		"a\\n\"{{ \"b\\n\\\"\" }}\n\n":                                              "a\\n\"b\n\"\n",
		"a {# c #} b\n  {# c #}\nd\r\n":                                             "a  b\nd",
	}
	for source, want := range tests {
		template, err := New(source, "", "")
		if err != nil {
			t.Errorf("%q: %v", source, err)
			continue
		}
		if got, err := template.text(Input{}); got != want || err != nil {
			t.Errorf("%q: %q, %v, not %q", source, got, err, want)
		}
	}
}

func TestToJSON(t *testing.T) {
	const value = `{"z": [1, -2.0, 1e-7, 12345678901234567890, true, null], "a": {"<&>": "é\"\n😀"}, "e": [], "o": {}}`
	tests := map[string]string{
		"v | tojson":                                       `{"z": [1, -2.0, 1e-07, 12345678901234567890, true, null], "a": {"<&>": "é\"\n😀"}, "e": [], "o": {}}`,
		"v.z[:2] | tojson(indent=2)":                       "[\n  1,\n  -2.0\n]",
		"v | tojson(indent=0) | length":                    "105",
		"v.a | tojson(ensure_ascii=true)":                  `{"<&>": "\u00e9\"\n\ud83d\ude00"}`,
		"v.z | tojson(separators=(',', ':'))":              `[1,-2.0,1e-07,12345678901234567890,true,null]`,
		"v.e | tojson(4)":                                  "[]",
		"0.0001 | tojson":                                  "0.0001",
		"{'b': 1, 'a': {'c': 2}} | tojson(sort_keys=true)": `{"a": {"c": 2}, "b": 1}`,
	}
	for expression, want := range tests {
		template, err := New("{{ "+expression+" }}", "", "")
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := template.text(Input{Variables: []byte(`{"v": ` + value + `}`)})
		if got != want || err != nil {
			t.Errorf("%s: %s, %v, not %s", expression, got, err, want)
		}
	}
}
