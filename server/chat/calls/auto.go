package calls

import (
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/ask"
	watch "github.com/weirgo/weir/server/grammar"
)

// The places of an answer, as a [Hold] of ask.ToolAuto names them: where a text
// begins, within it, behind the mark of JSON that is told from other text by what
// it calls alone, and behind one that a name follows; then each thought.
const (
	freshPlace = iota
	textPlace
	markedPlace
	namePlace
	thoughtPlaces
)

// auto makes the hold of a model that may call: it says what is a call's beginning,
// which the parser takes for one as well, and what follows.
type auto struct {
	grammar
	holding Holding
	ways    []string // of the root
	fresh   []watch.Word
	text    []watch.Word
	marked  []watch.Word
	behind  []watch.Word    // the mark that a prompt ends in
	helpers map[string]bool // rules that are written
}

// autoWords is how many beginnings of calls are looked for at most, and autoBytes
// how long they are together.
const (
	autoWords = 4096
	autoBytes = 256 << 10
)

// auto returns that hold. It is nil if a name, too many tools or schemas too long
// stand in the way: the model is free then.
func (f *Form) auto(tools []ask.Tool, h Holding) *Hold {
	a := &auto{
		grammar: grammar{form: f, tools: tools, control: h.Control, schemas: map[string][]byte{}},
		holding: h, helpers: map[string]bool{},
	}
	hold := a.hold()
	if a.fault() != nil {
		return nil // its calls are parsed, and not held
	}
	return hold
}

// hold is [Form.auto], but for how long the schemas are.
func (a *auto) hold() *Hold {
	if a.form.harmony {
		return a.harmony()
	}
	a.marks()
	if a.form.bare {
		a.bare()
	}
	if len(a.ways) == 0 {
		return nil
	}
	hold := &Hold{Schemas: a.schemas, Again: freshPlace, Places: a.places(), Begin: a.begin()}
	bytes, words := 0, 0
	for _, p := range hold.Places {
		for _, w := range p.Words {
			bytes, words = bytes+len(w.Text), words+1
		}
	}
	if bytes > autoBytes || words > autoWords {
		return nil
	}
	hold.Format = a.source()
	return hold
}

// source returns the grammar.
func (a *auto) source() ask.Format {
	return ask.Format{Kind: ask.FormatGrammar, Source: "root ::= " + strings.Join(a.ways, " | ") + "\n" + a.rules.String()}
}

// way adds a way that an answer may go on, and returns what a word feeds to choose
// it.
func (a *auto) way(body string) (feed string) {
	feed = fmt.Sprintf("%d ", len(a.ways))
	a.ways = append(a.ways, quoted(feed)+" "+body)
	return feed
}

// rule defines a rule once, and returns its name.
func (a *auto) rule(name string, body func() string) string {
	if !a.helpers[name] {
		a.helpers[name] = true
		text := body()
		fmt.Fprintf(&a.rules, "%s ::= %s\n", name, text)
	}
	return name
}

// blanks is what may stand between two parts.
func (a *auto) blanks() string {
	return a.rule("blanks", func() string { return `[ \t\r\n]{0,16}` })
}

// tail is what a token may have behind a call.
func (a *auto) tail() string {
	return a.rule("tail", func() string { return `[ \t\r\n]{0,4}` })
}

// marks adds the calls that a mark begins.
func (a *auto) marks() {
	f := a.form
	for _, mark := range f.calls {
		switch {
		case f.name == "llama3": // behind the mark there may be a program
			a.leads(mark, markedPlace)
		case f.tagged != nil && mark == f.tagged.call:
			a.add(mark, a.way(a.tagCalls()+" "+a.tail()))
		case f.tagged != nil && f.tagged.call != "":
			a.add(mark, a.way(a.blanks()+" "+a.literal(f.tagged.call)+" "+a.tagCalls()+" "+a.tail()))
		case f.tagged != nil:
			a.add(mark, a.way(a.blanks()+" "+a.tagCalls()+" "+a.tail()))
		case f.literal != nil:
			a.add(mark, a.way(a.literals()+" "+a.tail()))
		case f.named != nil && f.named.speech != "":
			feed := a.way(a.alternatives(a.namedCall) + " " + a.tail())
			a.leads(mark, namePlace)
			for i := range a.tools {
				begin := a.tools[i].Name + "\n"
				a.behind = append(a.behind, watch.Word{Text: begin, To: watch.Held, Feed: feed + begin})
			}
		case f.named != nil && f.json: // mistral has both
			a.add(mark, a.way("( "+a.blanks()+" "+a.list()+" | "+a.alternatives(a.namedCall)+" ) "+a.tail()))
		case f.named != nil:
			a.add(mark, a.way(a.alternatives(a.namedCall)+" "+a.tail()))
		case f.name == "hermes":
			a.add(mark, a.way(a.blanks()+" "+a.objects()+" "+a.blanks()+" "+a.literal(f.closes[0])+" "+a.tail()))
		default:
			a.add(mark, a.way(a.blanks()+" "+a.list()+" "+a.tail()))
		}
	}
}

// add adds a mark that begins a call in a text, wherever it is.
func (a *auto) add(text, feed string) {
	w := watch.Word{Text: text, To: watch.Held, Feed: feed}
	a.fresh, a.text = append(a.fresh, w), append(a.text, w)
}

// leads adds a mark behind which a call may be.
func (a *auto) leads(text string, place int) {
	w := watch.Word{Text: text, To: place}
	a.fresh, a.text = append(a.fresh, w), append(a.text, w)
}

// alternatives returns a group with a call of each tool.
func (a *auto) alternatives(call func(tool int) string) string {
	all := make([]string, len(a.tools))
	for i := range a.tools {
		all[i] = call(i)
	}
	return "( " + strings.Join(all, " | ") + " )"
}

// namedCall is a call of a tool from behind its mark, if its name comes before its
// arguments, which are JSON.
func (a *auto) namedCall(tool int) string {
	f, n := a.form, a.form.named
	name, arguments := a.literal(a.tools[tool].Name), a.json(tool)
	switch {
	case f.name == "deepseek" && n.marked:
		return a.literal("function"+n.ends[0]) + " " + name + " " + a.literal("\n```json\n") + " " + arguments + " " + a.literal("\n```"+f.closes[1])
	case f.name == "deepseek":
		return name + " " + a.literal(n.ends[0]) + " " + arguments + " " + a.literal(f.closes[1])
	case f.name == "kimi":
		return a.literal("functions.") + " " + name + ` ":" [0-9]{1,4} ` + a.literal(n.ends[0]) + " " + arguments + " " + a.literal(f.closes[0])
	case f.name == "mistral":
		return name + " ( " + a.literal("[CALL_ID]") + " [0-9A-Za-z]{1,32} )? ( " + a.literal("[ARGS]") + " )? " + arguments
	case f.name == "function":
		return name + " " + a.literal(n.ends[0]) + " " + a.blanks() + " " + arguments + " " + a.blanks() + " " + a.literal(f.closes[0])
	}
	return name + " " + a.literal(n.ends[0]) + " " + arguments
}

// json is a tool's arguments as JSON.
func (a *auto) json(tool int) string {
	name := fmt.Sprintf("arguments-%d", tool)
	a.schema(name, parametersOf(&a.tools[tool]))
	return name
}

// objects is a call as an object of JSON.
func (a *auto) objects() string {
	return a.rule("object", func() string {
		b := a.blanks()
		member := func(keys ...string) string {
			for i, k := range keys {
				keys[i] = quoted(`"` + k + `"`)
			}
			return "( " + strings.Join(keys, " | ") + " ) " + b + ` ":" ` + b + " "
		}
		id := a.rule("id", func() string {
			return member("id", "tool_call_id") + ` "\"" [-0-9A-Za-z_]{0,64} "\"" | ` + member("type") + quoted(`"function"`)
		})
		next := b + ` "," ` + b + " "
		call := a.alternatives(func(i int) string {
			return quoted(`"`+a.tools[i].Name+`"`) + " " + next + member("arguments", "parameters") + a.json(i)
		})
		return `"{" ` + b + " ( " + id + " " + next + " )? " + member("name", "tool_name") + call + " ( " + next + id + " )? " + b + ` "}"`
	})
}

// list is several calls as an array of JSON, or no more than one.
func (a *auto) list() string {
	return a.rule("list", func() string {
		more := ""
		if !a.holding.OneCall {
			more = " ( " + a.blanks() + ` "," ` + a.blanks() + " " + a.objects() + " )*"
		}
		return `"[" ` + a.blanks() + " " + a.objects() + more + " " + a.blanks() + ` "]"`
	})
}
