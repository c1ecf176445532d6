package calls

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
	engine "github.com/weirgo/weir/server/grammar"
)

// The grammars of all forms compile, and take what they derive, over a
// vocabulary of bytes and the form's marks as control tokens.
func TestHoldCompiles(t *testing.T) {
	for name, source := range templateFiles(t) {
		form := Detect(source, true)
		control := map[string]ask.Token{}
		for i, m := range form.Markers() {
			control[m] = ask.Token(256 + i)
		}
		end := ask.Token(256 + len(control))
		vocabulary := engine.NewVocabulary(int(end)+1, func(dst []byte, token ask.Token) []byte {
			if token < 256 {
				dst = append(dst, byte(token))
			}
			return dst
		}, func(token ask.Token) bool { return token == end })
		for _, h := range []Holding{
			{Choice: ask.ToolRequired, Tools: tools}, {Choice: ask.ToolRequired, Tools: tools[:1], OneCall: true},
			{Choice: ask.ToolRequired, Tools: tools, Control: control},
		} {
			hold, err := form.Hold(h)
			if hold == nil || err != nil {
				continue // TestHold says whether that is right
			}
			g, err := engine.NewCompiler(vocabulary, engine.Config{}).Compile(t.Context(), engine.Form{Format: hold.Format, Schemas: hold.Schemas})
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, hold.Format.Source)
				continue
			}
			for picks := 0; picks < 16 && h.Control == nil; picks++ {
				taken(t, g.Matcher(), derive(t, hold, nil, picks))
			}
		}
	}
}

// taken gives a text to a matcher, byte by byte.
func taken(t *testing.T, m *engine.Matcher, text string) {
	t.Helper()
	for i := range len(text) {
		b := text[i]
		if bits := m.Allowed(); bits != nil && bits[b/64]&(1<<(b%64)) == 0 {
			t.Errorf("%q is not allowed at %d of %q", b, i, text)
			return
		}
		m.Accept(ask.Token(b))
	}
	if !m.CanEnd() {
		t.Errorf("%q may not end", text)
	}
}
