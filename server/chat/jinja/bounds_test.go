package jinja

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hostile templates try to use up what there is: each must end with an error
// that names a limit, or harmlessly.
var hostile = []string{
	// Lists and strings that grow.
	`{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}`,
	`{% set ns = namespace(l=(1,)) %}{% for i in range(99) %}{% set ns.l = ns.l * 2 %}{% endfor %}`,
	`{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`,
	`{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
	`{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('x', ns.s) %}{% endfor %}`,
	`{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s|replace('', ns.s) %}{% endfor %}`,
	`{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s.join(ns.s) %}{% endfor %}`,
	`{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s|join(ns.s) %}{% endfor %}`,
	`{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}{% endfor %}`,
	`{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = '{0}{0}'.format(ns.s) %}{% endfor %}`,
	`{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}`,
	`{% set ns = namespace(s="'") %}{% for i in range(99) %}{% set ns.s = [ns.s, '"']|string %}{% endfor %}`,
	`{% set ns = namespace(s='"') %}{% for i in range(99) %}{% set ns.s = ns.s|tojson %}{% endfor %}`,
	`{% set ns = namespace(s='&') %}{% for i in range(9999) %}{% set ns.s = ns.s|escape|escape|urlencode %}{% endfor %}`,
	`{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}`,
	`{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == ns.l|list }}`,
	`{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}`,
	`{% set ns = namespace(l=()) %}{% for i in range(99) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}`,
	`{% set ns = namespace(d={}) %}{% for i in range(99) %}{% set ns.d = {'a': ns.d, 'b': ns.d} %}{% endfor %}{{ ns.d == dict(ns.d) }}`,
	`{% set l=[1] %}{% set _=l.append(l) %}{% set m=[1] %}{% set _=m.append(m) %}{{ l==m }}`,
	`{% set l = [1] %}{% for i in range(99) %}{% set _ = l.extend(l) %}{% endfor %}{{ l|length }}`,
	// Depth.
	`{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}`,
	`{% set ns = namespace(l=[], m=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}{% endfor %}{{ ns.l == ns.m }}`,
	`{% set ns = namespace(l=[], m=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}{% endfor %}{{ ns.l < ns.m }}`,
	`{% set ns = namespace(l=()) %}{% for i in range(90000) %}{% set ns.l = (ns.l,) %}{% endfor %}{{ ns.l in {} }}`,
	`{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson(indent=2) }}`,
	`{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}`,
	`{% set ns = namespace() %}{% set ns.a = [ns] %}{{ '%r' % ns }}`,
	`{% set ns = namespace() %}{% set ns.a = ns %}{{ ns|string|length }}`,
	`{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`,
	`{% macro f(g) %}{% call g(g) %}{% endcall %}{{ caller }}{% endmacro %}{{ f(f) }}`,
	`{% macro f(n) %}{% for x in [1, 2] recursive %}{{ loop([1]) }}{% endfor %}{% endmacro %}{{ f(1) }}`,
	`{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}`,
	`{{ '{0:{0:{0:{0}}}}'.format(1) }}`,
	// Widths, counts and numbers.
	`{{ 'x'|indent(100000000) }}`, `{{ 'x\ny'|indent(100000000) }}`, `{{ 'x\ny'|indent('y' * 900000000) }}`,
	`{{ 'x' * 100000000000 }}`, `{{ [1] * 100000000000 }}`, `{{ 100000000000 * (1, 2) }}`, `{{ 'x' * 9223372036854775807 }}`,
	`{{ 'x'|center(100000000000) }}`, `{{ 'x'.ljust(100000000000) }}`, `{{ 'x'.rjust(9223372036854775807) }}`, `{{ 'x'.zfill(100000000000) }}`,
	`{{ '\t'.expandtabs(100000000000) }}`, `{{ '%999999999999d' % 1 }}`, `{{ '%.999999999999f' % 1.5 }}`, `{{ '%.999999999d' % 1 }}`, `{{ '%*d' % (9999999999, 1) }}`,
	`{{ '{:999999999999}'.format(1) }}`, `{{ '{:.999999999}'.format(1.5) }}`, `{{ '{:{}}'.format('x', 99999999999) }}`,
	`{{ range(100000000000) }}`, `{{ range(-9223372036854775807, 9223372036854775807)|list }}`, `{{ range(0, 5, -9223372036854775807) }}`,
	`{{ 10 ** 100000000 }}`, `{{ 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 }}`, `{{ (10 ** 4000) * (10 ** 4000) }}`, `{{ 10 ** (10 ** 30) }}`,
	`{% set ns = namespace(n=3) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}`,
	`{{ ('9' * 1000000)|int }}`, `{{ ('9' * 100000)|float }}`, `{{ 1.5|round(100000000) }}`, `{{ 5|round(-100000000) }}`,
	`{{ [1]|batch(99999999999, 'x')|list }}`, `{{ [1]|slice(99999999999)|list }}`, `{{ 'x'|truncate(5, end='y' * 999999999) }}`,
	`{{ [1]|tojson(indent=100000000000) }}`, `{{ [[1]]|tojson(indent='x' * 90000000) }}`, `{{ 'x'|wordcount(3) }}`,
	// Time.
	`{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}`,
	`{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}`,
	`{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{% if 'y' in s %}{% endif %}{% endfor %}`,
	`{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{% if s == s ~ '' %}{% endif %}{% endfor %}`,
	`{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{% if s|length %}{% endif %}{% endfor %}`,
	`{% set s = 'é' * 1000000 %}{% for a in range(99999) %}{% if s[-1] %}{% endif %}{% endfor %}`,
	`{% set s = ' ' * 1000000 %}{% for a in range(99999) %}{% if s.strip() %}{% endif %}{% endfor %}`,
	`{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{% if s.strip(s) %}{% endif %}{% endfor %}`,
	`{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{% if s.count('x') %}{% endif %}{% endfor %}`,
	`{% set s = 'x' * 1000000 %}{% for a in range(99999) %}{% if s.isalpha() and s is lower %}{% endif %}{% endfor %}`,
	`{% set s = 'x ' * 1000000 %}{% for a in range(99999) %}{% if s.split() %}{% endif %}{% endfor %}`,
	`{% set l = range(90000)|list %}{% for a in l %}{% if -1 in l %}{% endif %}{% endfor %}`,
	`{% set l = range(90000)|list %}{% for a in l %}{% if l == l + [] %}{% endif %}{% endfor %}`,
	`{% set l = range(90000)|list %}{% for a in l %}{% if l|sort %}{% endif %}{% endfor %}`,
	`{% set l = range(90000)|list %}{% for a in l %}{% if l|sum %}{% endif %}{% endfor %}`,
	`{% set l = ['x' * 100000] * 1000 %}{% for a in range(99999) %}{% if l|max %}{% endif %}{% endfor %}`,
	`{% set d = dict(range(90000)|batch(2)) %}{% for a in range(99999) %}{% if d|length and d|dictsort %}{% endif %}{% endfor %}`,
	`{% set l = range(90000)|list %}{% for a in l %}{% if l|unique|list %}{% endif %}{% endfor %}`,
	`{% set n = 10 ** 4000 %}{% for a in range(99999) %}{% for b in range(99) %}{% if n|string %}{% endif %}{% endfor %}{% endfor %}`,
	`{% set n = 10 ** 4000 %}{% for a in range(99999) %}{% for b in range(999) %}{% if n * n // n %}{% endif %}{% endfor %}{% endfor %}`,
}

// TestHostileTemplatesEnd counts what each makes: a template that goes past its
// bytes by more than its largest value has made something unpaid.
func TestHostileTemplatesEnd(t *testing.T) {
	limits := DefaultLimits()
	limits.Steps, limits.Bytes, limits.OutputBytes = 1<<20, 16<<20, 1<<20
	for _, template := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ours(template, "{}", limits)
		runtime.ReadMemStats(&after)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok || len(err.Error()) > 500 {
				t.Errorf("%s: %v", template, err)
			}
		}
		// What one step may make unpaid is small; copies made while a buffer
		// grows are not counted either.
		if made := after.TotalAlloc - before.TotalAlloc; made > 8*uint64(limits.Bytes) {
			t.Errorf("%s: it made %d MiB under a limit of %d: %v", template, made>>20, limits.Bytes>>20, err)
		}
	}
}

// TestHostileSourcesAreRefused parses what is nested or long.
func TestHostileSourcesAreRefused(t *testing.T) {
	const n = 20_000
	for name, source := range map[string]string{
		"parentheses": "{{ " + strings.Repeat("(", n) + strings.Repeat(")", n) + " }}",
		"brackets":    "{{ " + strings.Repeat("[", n) + strings.Repeat("]", n) + " }}",
		"braces":      "{{ " + strings.Repeat("{1:", n) + "1" + strings.Repeat("}", n) + " }}",
		"calls":       "{{ " + strings.Repeat("f(", n) + strings.Repeat(")", n) + " }}",
		"subscripts":  "{{ " + strings.Repeat("a[", n) + strings.Repeat("]", n) + " }}",
		"filters":     "{{ a" + strings.Repeat("|d(a", n) + strings.Repeat(")", n) + " }}",
		"not":         "{{ " + strings.Repeat("not ", n) + "a }}",
		"minus":       "{{ " + strings.Repeat("- ", n) + "1 }}",
		"else":        "{{ " + strings.Repeat("1 if 1 else ", n) + "1 }}",
		"ifs":         strings.Repeat("{% if 1 %}", n) + strings.Repeat("{% endif %}", n),
		"fors":        strings.Repeat("{% for a in b %}", n),
		"sets":        strings.Repeat("{% set a %}", n),
		"targets":     "{% for " + strings.Repeat("(", n) + "a" + strings.Repeat(")", n) + " in b %}{% endfor %}",
		"tests":       "{{ a" + strings.Repeat(" is eq (a", n) + strings.Repeat(")", n) + " }}",
		"no end":      strings.Repeat("{% if ", n),
		"a number":    "{{ " + strings.Repeat("9", n) + " }}",
	} {
		_, err := Parse(source, DefaultLimits())
		if err == nil || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, source := range map[string]string{
		"a sum":         "{{ 1" + strings.Repeat(" + 1", n) + " }}",
		"a text":        "{{ 1" + strings.Repeat(" ~ 1", n) + " }}",
		"attributes":    "{{ {}" + strings.Repeat(".get(1,{})", n) + " }}",
		"comparisons":   "{{ 1" + strings.Repeat(" < 2 > 1", n) + " }}",
		"and, or":       "{{ 1" + strings.Repeat(" and 1 or 0", n/2) + " }}",
		"elifs":         "{% if 0 %}" + strings.Repeat("{% elif 0 %}", n/2) + "{% endif %}",
		"strings":       "{{ " + strings.Repeat("'a' ", n) + " }}",
		"ifs, no elses": "{{ 1" + strings.Repeat(" if 1", n) + " }}",
	} {
		if _, err := ours(source, "{}", DefaultLimits()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRenderEndsWithItsContext gives up a rendering that would go on for long.
func TestRenderEndsWithItsContext(t *testing.T) {
	limits := DefaultLimits()
	limits.Steps = 1 << 40
	template, err := Parse(`{% for a in range(99999) %}{% for b in range(99999) %}{{ stop() }}{% endfor %}{% endfor %}`, limits)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	stop := &function{"stop", func(*run, *args) Value {
		if calls++; calls == 1000 {
			cancel()
		}
		return own("")
	}}
	_, err = template.Render(ctx, map[string]Value{"stop": stop})
	if !errors.Is(err, context.Canceled) || calls > 1000+stepsBetweenLooks {
		t.Errorf("%v after %d calls", err, calls)
	}
	ended, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	if _, err = template.Render(ended, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestLargeRendersTakeTurns holds renderings where they have made their value: all
// small ones get there, large ones one at a time, and who waits can be given up.
func TestLargeRendersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		template, err := Parse(`{% set s = 'x' * n %}{{ here() }}`, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		var inside atomic.Int32
		leave, ended := make(chan struct{}), make(chan error, 8)
		here := &function{"here", func(*run, *args) Value {
			inside.Add(1)
			<-leave
			return own("")
		}}
		render := func(ctx context.Context, bytes int) {
			_, err := template.Render(ctx, map[string]Value{"here": here, "n": integer(bytes)})
			ended <- err
		}
		waits, giveUp := context.WithCancel(t.Context())
		for range 2 {
			go render(t.Context(), 1000)
			go render(t.Context(), 1<<20)
		}
		go render(waits, 1<<20)
		if synctest.Wait(); inside.Load() != 2+1 {
			t.Errorf("%d are where two small ones and a large one may be", inside.Load())
		}
		close(leave)
		giveUp()
		for range 5 {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if inside.Load() < 4 {
			t.Errorf("%d got there, of four that were not given up", inside.Load())
		}
	})
}

// TestErrorsNameTheLine looks at errors of parsing and of rendering.
func TestErrorsNameTheLine(t *testing.T) {
	for source, want := range map[string]string{
		"\n\n{{ 1 + }}":              "line 3: expected an expression, got '}}'",
		"{% if x %}\n\n{% endfor %}": "line 3: unknown or misplaced tag \"endfor\"",
		"\n{% for a in b %}\n":       "line 2: the block that begins here does not end: there is no endfor",
		"\n{{ a.b.c }}":              "line 2: 'a' is undefined",
		"{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n{{ m() }}": "line 2: ",
		"\n\n{{ 'a' + 1 }}":                 "line 3: unsupported operand types for +: 'str' and 'int'",
		"\n{# \n":                           "line 2: the comment does not end",
		"\n{{ 'a":                           "line 2: the string does not end",
		"{{ raise_exception('no: ' ~ 1) }}": "no: 1",
	} {
		_, err := ours(source, "{}", DefaultLimits())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, not %q", source, err, want)
		}
	}
}

// TestStepsAreSteady shows that a usual chat is far from the limits.
func TestStepsAreSteady(t *testing.T) {
	var source strings.Builder
	source.WriteString("{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}")
	const n = 100_000
	var messages strings.Builder
	for i := range n {
		fmt.Fprintf(&messages, `,{"role":"user","content":"%d"}`, i)
	}
	if _, err := ours(source.String(), `{"messages":[`+messages.String()[1:]+`]}`, DefaultLimits()); err != nil {
		t.Errorf("%d messages: %v", n, err)
	}
}
