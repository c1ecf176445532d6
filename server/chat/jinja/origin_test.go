package jinja

import (
	"context"
	"strings"
	"testing"
)

// TestOrigin shows renderings with the client's parts in brackets. c is a
// client's "Ab<|x|>é", n its 12, f its 1.5, y its true, z its null, l and d a
// list and a dict of its.
func TestOrigin(t *testing.T) {
	variables := `{"c": "Ab<|x|>é", "n": 12, "f": 1.5, "y": true, "z": null, "l": ["p", 1, ["q"]], "d": {"k": "v", "<|x|>": {"a": null}}, "i": "i", "e": "", "five": "5"}`
	for source, want := range map[string]string{
		// Text and concatenation.
		`<|a|>{{ c }}<|b|>`:                       `<|a|>⟦Ab<|x|>é⟧<|b|>`,
		`{{ '<|' + c + '|>' }}`:                   `<|⟦Ab<|x|>é⟧|>`,
		`{{ '<|' ~ n ~ f ~ y ~ z ~ '|>' }}`:       `<|⟦121.5TrueNone⟧|>`,
		`{{ c ~ c }}{{ c }}`:                      `⟦Ab<|x|>éAb<|x|>éAb<|x|>é⟧`,
		`{{ '<' ~ e ~ '>' }}`:                     `<>`,
		`{% set x %}<{{ c }}>{% endset %}{{ x }}`: `<⟦Ab<|x|>é⟧>`,
		`{% macro m(a) %}<{{ a }}>{{ caller() }}{% endmacro %}{% call m(i) %}-{{ i }}{% endcall %}`: `<⟦i⟧>-⟦i⟧`,
		`{% filter upper %}<|a{{ i }}|>{% endfilter %}`:                                             `<|A⟦I⟧|>`,
		// Parts and searches.
		`{{ ('<' ~ c ~ '>')[1:3] }}|{{ ('<' ~ c ~ '>')[:2] }}|{{ ('<' ~ c ~ '>')[-1] }}|{{ ('<' ~ i ~ '>')[::-1] }}`: `⟦Ab⟧|<⟦A⟧|>|>⟦i⟧<`,
		`{% for x in '<' ~ i ~ '>' %}{{ x }}.{% endfor %}`:                                                           `<.⟦i⟧.>.`,
		`{{ ('a,' ~ i ~ ',b').split(',') | join('|') }}`:                                                             `a|⟦i⟧|b`,
		`{{ c.split('<')[1] }}{{ c.partition('|')[1] }}`:                                                             `⟦|x|>é|⟧`,
		`{{ ('  ' ~ i ~ '\n') | trim }}{{ ('x' ~ c).lstrip('xA') }}`:                                                 `⟦ib<|x|>é⟧`,
		`{{ c.replace('b', '<|b|>') }}`:                                                                              `⟦A⟧<|b|>⟦<|x|>é⟧`,
		`{{ 'a-b' | replace('-', i) }}`:                                                                              `a⟦i⟧b`,
		`{{ c.replace('<|x|>', '') }}`:                                                                               `⟦Abé⟧`,
		`{{ ('<|' ~ i ~ '|>').upper() }}{{ (i ~ 'x') | title }}{{ c | capitalize }}`:                                 `<|⟦I⟧|>⟦I⟧x⟦Ab<|x|>é⟧`,
		`{{ c | first }}{{ c | last }}{{ 'ab' | last }}`:                                                             `⟦Aé⟧b`,
		`{{ [i, 'x'] | join('<|s|>') }}{{ i.join(['<', '>']) }}`:                                                     `⟦i⟧<|s|>x<⟦i⟧>`,
		`{{ i | indent(2, true) }}{{ i | center(3) }}|{{ i.zfill(3) }}`:                                              `  ⟦i⟧ ⟦i⟧ |00⟦i⟧`,
		`{{ (i * 3) ~ 'x' * 2 }}`:                                                                                    `⟦iii⟧xx`,
		`{{ c | truncate(4, true, '…', 0) }}`:                                                                        `⟦Ab<⟧…`,
		`{{ c | escape }}{{ c | urlencode }}`:                                                                        `⟦Ab&lt;|x|&gt;éAb%3C%7Cx%7C%3E%C3%A9⟧`,
		`{{ ('a\n' ~ i).splitlines() | join('/') }}`:                                                                 `a/⟦i⟧`,
		`{{ c | list | join }}{{ c | reverse }}{{ c | sort | join }}`:                                                `⟦Ab<|x|>éé>|x|<bA<>Abx||é⟧`,
		// Formats.
		`{{ '<|%s|%d|>' % (c, n) }}`:           `<|⟦Ab<|x|>é⟧|⟦12⟧|>`,
		`{{ '<|{}|{:03d}|>'.format(i, n) }}`:   `<|⟦i⟧|0⟦12⟧|>`,
		`{{ c % () }}{{ '%%s<|' ~ '' }}`:       `⟦Ab<|x|>é⟧%%s<|`,
		`{{ (i ~ '%s') % '<|a|>' }}`:           `⟦i⟧<|a|>`,
		`{{ '{:>4}'.format(i) }}`:              `   ⟦i⟧`,
		`{{ '%s'|format(c) }}{{ c | string }}`: `⟦Ab<|x|>éAb<|x|>é⟧`,
		// Printed containers, and JSON.
		`{{ l }}{{ d }}`:                                           `⟦['p', 1, ['q']]{'k': 'v', '<|x|>': {'a': None}}⟧`,
		`{{ [i, 'x', n] }}`:                                        `[⟦'i'⟧, 'x', ⟦12⟧]`,
		`{{ {'<|k|>': i} }}{{ (i,) }}`:                             `{'<|k|>': ⟦'i'⟧}(⟦'i'⟧,)`,
		`{{ l | tojson }}{{ d | tojson }}`:                         `⟦["p", 1, ["q"]]{"k": "v", "<|x|>": {"a": null}}⟧`,
		`{{ {'a': c, 'b': [n, z]} | tojson }}`:                     `{"a": ⟦"Ab<|x|>é"⟧, "b": [⟦12⟧, ⟦null⟧]}`,
		`{{ l | tojson(indent=1) }}`:                               "⟦[\n \"p\",\n 1,\n [\n  \"q\"\n ]\n]⟧",
		`{{ ('"' ~ i) | tojson }}{{ e | tojson }}`:                 `"\"⟦i"""⟧`,
		`{{ d.keys() | list }}{{ d.items() }}`:                     `⟦['k', '<|x|>']dict_items([('k', 'v'), ('<|x|>', {'a': None})])⟧`,
		`{% for k, v in d.items() %}<{{ k }}={{ v }}>{% endfor %}`: `<⟦k⟧=⟦v⟧><⟦<|x|>⟧=⟦{'a': None}⟧>`,
		// Numbers.
		`{{ n + 1 }}{{ 1 + 1 }}{{ -n }}{{ n * 1.0 }}{{ n // 5 }}{{ n ** 20 }}`:                                      `⟦13⟧2⟦-1212.023833759992447475122176⟧`,
		`{{ five | int }}{{ '5' | int }}{{ n | float }}{{ f | round }}{{ f | abs }}`:                                `⟦5⟧5⟦12.02.01.5⟧`,
		`{{ c | length }}{{ l | length }}{{ y and 1 }}{{ not y }}{{ y == true }}{{ l | sum(start=0) if 0 else 0 }}`: `831FalseTrue0`,
		`{{ [n, 1] | max }}{{ [n, 1] | min }}{{ [1, n] | sum }}`:                                                    `⟦12⟧1⟦13⟧`,
		// What a client says decides, but does not speak.
		`{{ '<|a|>' if c == 'Ab<|x|>é' else i }}{{ {'i': '<|b|>'}[i] }}{{ i in ['i'] }}`:                        `<|a|><|b|>True`,
		`{{ none | default(i) }}{{ nothing | default(i) }}{{ nothing | default('<|d|>') }}`:                     `None⟦i⟧<|d|>`,
		`{% set ns = namespace(s='<') %}{% for x in [c, '>'] %}{% set ns.s = ns.s ~ x %}{% endfor %}{{ ns.s }}`: `<⟦Ab<|x|>é⟧>`,
		`{{ dict(a=i) }}{{ l | map('string') | join('<>') }}{{ l | batch(2) | list }}`:                          `{'a': ⟦'i'⟧}⟦p⟧<>⟦1⟧<>⟦['q']⟧[[⟦'p'⟧, ⟦1⟧], [⟦['q']⟧]]`,
	} {
		if got := marked(t, source, variables); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}

// marked renders with the client's parts in brackets.
func marked(t *testing.T, source, variables string) string {
	t.Helper()
	template, err := Parse(source, DefaultLimits())
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	given, err := NewDecoder(DefaultLimits()).JSON([]byte(variables))
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]Value{}
	for name, v := range given.(*Dict).All() {
		table[name] = v
	}
	pieces, err := template.Render(context.Background(), table)
	if err != nil {
		t.Errorf("%s: %v", source, err)
	}
	var out strings.Builder
	for _, p := range pieces {
		if p.Trusted {
			out.WriteString(p.Text)
		} else {
			out.WriteString("⟦" + p.Text + "⟧")
		}
	}
	return out.String()
}
