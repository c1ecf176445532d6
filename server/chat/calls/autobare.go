package calls

import (
	"strings"

	watch "github.com/weirgo/weir/server/grammar"
)

// spellings are how models begin an object that nothing marks as a call. Other
// ways to write the same are read as calls, and not held to anything.
var spellings = []string{
	`{"name": "`, `{"name":"`, `{ "name": "`, "{\n\"name\": \"", "{\n  \"name\": \"", "{\n    \"name\": \"",
	`{"type": "function", "name": "`, `{"type":"function","name":"`, "{\n  \"type\": \"function\",\n  \"name\": \"", "{\n    \"type\": \"function\",\n    \"name\": \"",
}

// bare adds calls that are JSON without a mark: what names a tool is one.
func (a *auto) bare() {
	object := a.way(a.objects() + " " + a.tail())
	list := a.way(a.list() + " " + a.tail())
	var words []watch.Word
	add := func(begin, feed string) {
		words = append(words, watch.Word{Text: begin, To: watch.Held, Feed: feed + begin})
	}
	for _, s := range spellings {
		for i := range a.tools {
			begin := s + a.tools[i].Name + `"`
			add(begin, object)
			add("["+begin, list)
		}
	}
	if !a.form.native {
		b := a.blanks()
		told := a.way(`"{" ` + b + ` "\"tool_calls\"" ` + b + ` ":" ` + b + " " + a.list() + " " + b + ` "}" ` + a.tail())
		for _, blanks := range []string{"", " ", "\n", "\n  ", "\n    "} {
			add("{"+blanks+`"tool_calls"`, told)
		}
	}
	a.fresh = append(a.fresh, words...)
	if a.form.name == "llama3" { // behind its mark, an object is a call
		a.marked = []watch.Word{{Text: "{", To: watch.Held, Feed: object + "{"}, {Text: "[", To: watch.Held, Feed: list + "["}}
	}
}

// places returns where the words count, as the parser has it.
func (a *auto) places() []watch.Place {
	f := a.form
	places := make([]watch.Place, thoughtPlaces+len(f.thoughts))
	for _, d := range f.drops {
		a.fresh = append(a.fresh, watch.Word{Text: d, To: freshPlace})
	}
	for i, t := range f.thoughts {
		a.fresh = append(a.fresh, watch.Word{Text: t[0], To: thoughtPlaces + i})
		places[thoughtPlaces+i].Words = []watch.Word{{Text: t[1], To: freshPlace}}
	}
	if f.named != nil && f.named.speech != "" {
		a.behind = append(a.behind, watch.Word{Text: f.named.speech + "\n", To: textPlace})
	}
	const blanks = " \t\r\n"
	places[freshPlace] = watch.Place{Words: a.fresh, First: true, Blanks: blanks, Else: textPlace}
	places[textPlace] = watch.Place{Words: a.text}
	places[markedPlace] = watch.Place{Words: a.marked, First: true, Blanks: blanks, Else: textPlace}
	places[namePlace] = watch.Place{Words: a.behind, First: true, Blanks: " \t", Else: textPlace}
	return places
}

// begin returns the place that an answer begins in.
func (a *auto) begin() int {
	f, prompt := a.form, strings.TrimRight(a.holding.Prompt, " \t\r\n")
	if a.holding.Continues == Text {
		return textPlace
	}
	for i, t := range f.thoughts {
		if a.holding.Continues == Reasoning || strings.HasSuffix(prompt, t[0]) {
			return thoughtPlaces + i
		}
	}
	if n := f.named; n != nil && n.speech != "" && strings.HasSuffix(prompt, f.calls[0]) {
		return namePlace
	}
	return freshPlace
}

// Places of an answer in harmony's form.
const (
	openPlace    = iota // a header is to come, or a text
	headerPlace         // in one
	messagePlace        // behind it
)

// harmony is the hold where a call is a message to a tool.
func (a *auto) harmony() *Hold {
	xml := a.form.tagged != nil
	constrain := `( " " | " "? ` + a.literal(harmonyConstrain) + " ) "
	header := func(kind string) string {
		return `( " "? ` + a.literal(harmonyChannel) + ` ( "commentary" | "analysis" ) )? ` + kind + " " + a.literal(harmonyMessage)
	}
	call := a.alternatives(func(i int) string {
		name := a.literal(a.tools[i].Name)
		if xml {
			return name + " " + header(constrain+`"xml"`) + " " + a.tagArguments(i)
		}
		return name + " " + header("( "+constrain+`( "json" | "code" ) )?`) + " " + a.json(i)
	})
	others := ` | ( "browser." [a-z]{1,16} | "python" ) ` + header("( "+constrain+`[a-z]{1,16} )?`)
	for i := range a.tools {
		if name := a.tools[i].Name; name == "python" || strings.HasPrefix(name, "browser.") {
			others = ""
		}
	}
	feed := a.way(a.literal("functions.") + " " + call + " | " + quoted("0 ") + " " + call + others)
	begins := []watch.Word{{Text: harmonyChannel, To: headerPlace}, {Text: harmonyStart, To: headerPlace}}
	within := []watch.Word{{Text: "to=", To: watch.Held, Feed: feed}, {Text: harmonyMessage, To: messagePlace}}
	open := append([]watch.Word{
		{Text: harmonyConstrain, To: headerPlace}, {Text: " " + harmonyChannel, To: headerPlace}, {Text: " to=", To: watch.Held, Feed: feed},
	}, append(begins, within...)...)
	hold := &Hold{
		Format: a.source(), Schemas: a.schemas, Again: messagePlace, Lasts: xml,
		Places: []watch.Place{{Words: open, First: true, Else: messagePlace}, {Words: within}, {Words: begins}},
	}
	if a.holding.Continues != Nothing || strings.HasSuffix(strings.TrimRight(a.holding.Prompt, " \r\n\t"), harmonyMessage) {
		hold.Begin = messagePlace
	}
	return hold
}
