package calls

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weirgo/weir/server/ask"
	watch "github.com/weirgo/weir/server/grammar"
)

// strictTools have arguments of all kinds, and what is required.
var strictTools = []ask.Tool{
	{Name: "weather", Parameters: []byte(`{"type":"object","properties":{"town":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":14},
		"mode":{"type":"string","enum":["a","b c"]},"tags":{"type":"array","items":{"type":"string"}},"on":{"type":["boolean","null"]},
		"deep":{"type":"object","properties":{"x":{"type":"number"},"y":{"enum":["z",null]}},"required":["x"],"additionalProperties":false},
		"either":{"anyOf":[{"type":"integer"},{"type":"null"}]}},"required":["town","days"],"additionalProperties":false}`)},
	{Name: "f"},
	{Name: "f_2", Parameters: []byte(`{"type":"object","properties":{"k":{"type":"integer"}},"required":["k"],"additionalProperties":false}`)},
}

// speech is a vocabulary of bytes, of a form's marks, and of tokens that are
// parts of several things.
type speech struct {
	texts   []string
	control map[string]ask.Token
	silent  map[ask.Token]string
	words   *watch.Vocabulary
	end     ask.Token
}

func speechOf(form *Form, control bool) *speech {
	s := &speech{control: map[string]ask.Token{}, silent: map[ask.Token]string{}}
	for b := range 256 {
		s.texts = append(s.texts, string([]byte{byte(b)}))
	}
	s.texts = append(s.texts, `{"`, `"}`, `"}}`, "}}\n", ">\n", `">`, `": "`, `","`, `",`, `name": "`, "</", "\n</", "]\n", "{\n", `"f"`, "f\n", "f", "weather\n", `")`, "=\"", " to=", `{}`)
	for _, m := range form.Markers() {
		if control {
			s.control[m] = ask.Token(len(s.texts))
			s.silent[ask.Token(len(s.texts))] = m
		}
		s.texts = append(s.texts, m)
	}
	s.end = ask.Token(len(s.texts))
	s.words = watch.NewVocabulary(len(s.texts)+1, func(dst []byte, t ask.Token) []byte {
		if s.silent[t] != "" || t == s.end {
			return dst
		}
		return append(dst, s.texts[t]...)
	}, func(t ask.Token) bool { return t == s.end })
	return s
}

// tokens spells a text, with marks by their tokens.
func (s *speech) tokens(text string) (all []ask.Token) {
	for text != "" {
		best, length := ask.Token(text[0]), 1
		for m, t := range s.control {
			if strings.HasPrefix(text, m) && len(m) > length {
				best, length = t, len(m)
			}
		}
		all, text = append(all, best), text[length:]
	}
	return all
}

// saying is an answer as it comes.
type saying struct {
	*speech
	t       *testing.T
	watcher *watch.Watcher
	random  *rand.Rand
	tokens  []ask.Token
	text    strings.Builder
}

func (s *saying) allowed(token ask.Token) bool {
	bits := s.watcher.Allowed()
	return bits == nil || bits[token/64]&(1<<(token%64)) != 0
}

func (s *saying) say(token ask.Token) {
	s.watcher.Accept(token)
	s.tokens = append(s.tokens, token)
	if token != s.end {
		s.text.WriteString(s.texts[token])
	}
}

// held says anything that is allowed until nothing holds any more, and reports
// whether that came.
func (s *saying) held() bool {
	for range 4000 {
		if !s.watcher.Holds() {
			return true
		}
		var all, likely []ask.Token
		for i := range ask.Token(len(s.texts) + 1) {
			switch {
			case !s.allowed(i):
			case i >= 256 || strings.ContainsRune(`"}])>|`, rune(i)):
				likely = append(likely, i)
			default:
				all = append(all, i)
			}
		}
		if len(likely) > 0 && (len(all) == 0 || s.random.IntN(3) > 0) {
			all = likely
		}
		if len(all) == 0 {
			s.t.Fatalf("nothing may follow %q", s.text.String())
		}
		token := all[s.random.IntN(len(all))]
		if s.say(token); token == s.end {
			return true
		}
	}
	return false
}

func validatorOf(t testing.TB, tool *ask.Tool) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(parametersOf(tool))))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tool.json", document); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("tool.json")
}

// checkCalls reads an answer in one piece and byte by byte, and holds its calls
// against the schemas of their tools. The last of one that is cut does not count.
func checkCalls(t *testing.T, form *Form, text string, cut bool) (calls int) {
	t.Helper()
	got := parse(t, form, Options{Tools: strictTools, ID: numbered}, text, 0, cut)
	if single := parse(t, form, Options{Tools: strictTools, ID: numbered}, text, 1, cut); single != got {
		t.Errorf("%s: %q:\n%s\nbyte by byte:\n%s", form.Name(), text, got, single)
	}
	made := callsIn(form, text, cut)
	if cut && len(made) > 0 {
		made = made[:len(made)-1]
	}
	for _, call := range made {
		at := slices.IndexFunc(strictTools, func(tool ask.Tool) bool { return tool.Name == call[0] })
		if at < 0 {
			t.Errorf("%s: %q calls %q", form.Name(), text, call[0])
			continue
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(call[1]))
		if err == nil {
			err = validatorOf(t, &strictTools[at]).Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %q: %s: %v", form.Name(), text, call[1], err)
		}
		calls++
	}
	return calls
}

// callsIn returns the names and the arguments of an answer's calls.
func callsIn(form *Form, text string, cut bool) (calls [][2]string) {
	var p Parser
	p.Reset(form, Options{Tools: strictTools})
	p.Add([]byte(text))
	p.End(cut)
	for piece := (Piece{}); p.Next(&piece); {
		switch {
		case piece.Kind != Call:
		case piece.Call.Name != "":
			calls = append(calls, [2]string{piece.Call.Name, string(piece.Call.Arguments)})
		default:
			calls[len(calls)-1][1] += string(piece.Call.Arguments)
		}
	}
	return calls
}

// Whatever is said behind the beginning of a call is a call whose arguments are
// valid, in each form: with marks that are control tokens, or texts.
func TestAuto(t *testing.T) {
	forms := map[string]int{}
	for name, source := range templateFiles(t) {
		for _, native := range []bool{true, false} {
			form := Detect(source, native)
			for _, control := range []bool{true, false} {
				forms[form.Name()] += sayCalls(t, fmt.Sprint(name, " ", native, " ", control), form, control)
			}
		}
	}
	for _, d := range detections {
		if forms[d.name] == 0 {
			t.Errorf("no call in the form %s", d.name)
		}
	}
}

func sayCalls(t *testing.T, name string, form *Form, control bool) (calls int) {
	s := speechOf(form, control)
	hold, err := form.Hold(Holding{Choice: ask.ToolAuto, Tools: strictTools, Control: s.control})
	if err != nil || hold == nil {
		t.Errorf("%s: no hold: %v", name, err)
		return 0
	}
	g, err := watch.NewCompiler(s.words, watch.Config{}).Compile(t.Context(), watch.Form{Format: hold.Format, Schemas: hold.Schemas})
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, hold.Format.Source)
		return 0
	}
	w := g.Watch(func() watch.Plan {
		return watch.Plan{Places: hold.Places, Again: hold.Again, Lasts: hold.Lasts, Marks: s.silent}
	})
	for seed := range uint64(4) {
		said := &saying{speech: s, t: t, watcher: w.Watcher(hold.Begin), random: rand.New(rand.NewPCG(seed, 1))}
		ended := true
		for round := range 3 {
			if ended = ended && said.begin(form, hold, round); !ended {
				break
			}
			ended = said.held()
		}
		n := checkCalls(t, form, said.text.String(), !ended && said.watcher.Holds())
		if calls += n; ended && n == 0 {
			t.Errorf("%s: seed %d: no call in %q", name, seed, said.text.String())
		}
	}
	return calls
}

// begin says something and then the beginning of a call.
func (s *saying) begin(form *Form, hold *Hold, round int) bool {
	text, place := "", hold.Places[freshPlace]
	switch {
	case len(s.tokens) > 0 && s.tokens[len(s.tokens)-1] == s.end:
		return false
	case form.harmony:
		text, place = harmonyStart+"assistant", hold.Places[headerPlace]
		if round == 1 {
			text = harmonyStart + "assistant" + harmonyChannel + "final" + harmonyMessage + "to=f" + text
		}
		text += " "
	case form.name == "functionary" && round < 2:
		text, place = []string{">>>", "Well >>> 1 + 1\n>>> "}[round], hold.Places[namePlace]
	case round == 1 && len(form.calls) > 0 && form.name != "llama3":
		text, place = "Well <x ", hold.Places[textPlace]
	case round == 2 && len(form.thoughts) > 0:
		text = form.thoughts[0][0] + "hm" + hold.Places[freshPlace].Words[0].Text + form.thoughts[0][1]
	}
	words := slices.DeleteFunc(slices.Clone(place.Words), func(w watch.Word) bool { return w.To != watch.Held })
	if len(words) == 0 {
		return false
	}
	text += words[s.random.IntN(len(words))].Text
	if form.harmony {
		text += "functions."
	}
	for _, token := range s.speech.tokens(text) {
		if !s.allowed(token) {
			s.t.Fatalf("%s: %q may not follow %q", form.name, s.texts[token], s.text.String())
		}
		s.say(token)
	}
	if !s.watcher.Holds() {
		s.t.Errorf("%s: nothing holds behind %q", form.name, s.text.String())
		return false
	}
	return true
}
