package ollama

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/wiretest"
)

// part is a run of one kind of output: a call if it has a name, thinking if it
// says so, else text.
type part struct {
	text     string
	thinking bool
	id, name string
}

// script gives a generation's events, in which each part comes in pieces of so
// many bytes, save that characters are whole.
func script(parts []part, pieceBytes int, end ask.End) []ask.Event {
	var events []ask.Event
	calls := 0
	for _, p := range parts {
		first := true
		for rest := []byte(p.text); first || len(rest) > 0; first = false {
			n := min(pieceBytes, len(rest))
			for n < len(rest) && !utf8.RuneStart(rest[n]) {
				n++
			}
			var ev ask.Event
			switch {
			case p.name != "":
				piece := ask.CallPiece{Index: calls, Arguments: rest[:n]}
				if first {
					piece.ID, piece.Name = p.id, p.name
				}
				ev.Calls = []ask.CallPiece{piece}
			case p.thinking:
				ev.Reasoning = rest[:n]
			default:
				ev.Text = rest[:n]
			}
			events, rest = append(events, ev), rest[n:]
		}
		if p.name != "" {
			calls++
		}
	}
	return append(events, ask.Event{End: &end})
}

var generations = []struct {
	name  string
	parts []part
	end   ask.End
}{
	{"text", []part{{text: "Hi € \"there\"\n"}}, ask.End{PromptTokens: 3, CompletionTokens: 4, QueueNs: 1, PrefillNs: 2, DecodeNs: 3}},
	{"empty", nil, ask.End{PromptTokens: 3}},
	{"length", []part{{text: "Hi"}}, ask.End{Reason: ask.FinishLength, PromptTokens: 3, CompletionTokens: 1}},
	{"thinking", []part{{text: "Let me see …", thinking: true}, {text: "No."}}, ask.End{PromptTokens: 3, CompletionTokens: 9}},
	{"calls", []part{
		{text: "two", thinking: true}, {text: "I look."},
		{text: `{"city":"Köln","deep":{"a":[1,2.50,null,"\u00e9\n"]}}`, id: "call_1", name: "weather"},
		{id: "call_2", name: "time"},
		{text: "{\n \"a\": 1 }", id: "call_3", name: "weather"},
		{text: "Done."},
	}, ask.End{Reason: ask.FinishCalls, PromptTokens: 30, CompletionTokens: 40}},
}

// object is a line, or what a client has in the end.
type object struct {
	Model     string   `json:"model"`
	CreatedAt string   `json:"created_at"`
	Message   *spoken  `json:"message"`
	Response  string   `json:"response"`
	Thinking  string   `json:"thinking"`
	ToolCalls []called `json:"tool_calls"`
	Logprobs  []scored `json:"logprobs"`
	Done      bool     `json:"done"`
	metrics
}

type metrics struct {
	DoneReason         string `json:"done_reason"`
	TotalDuration      int    `json:"total_duration"`
	LoadDuration       int    `json:"load_duration"`
	PromptEvalCount    int    `json:"prompt_eval_count"`
	PromptEvalDuration int    `json:"prompt_eval_duration"`
	EvalCount          int    `json:"eval_count"`
	EvalDuration       int    `json:"eval_duration"`
}

type scored struct {
	Token   string   `json:"token"`
	Logprob float32  `json:"logprob"`
	Bytes   []int    `json:"bytes"`
	Top     []scored `json:"top_logprobs"`
}

type spoken struct {
	Role      string   `json:"role"`
	Content   string   `json:"content"`
	Thinking  string   `json:"thinking"`
	ToolCalls []called `json:"tool_calls"`
}

type called struct {
	ID       string `json:"id"`
	Function struct {
		Index     int            `json:"index"`
		Name      string         `json:"name"`
		Arguments map[string]any `json:"arguments"`
	} `json:"function"`
}

// read puts a stream together.
func read(t *testing.T, stream []byte) object {
	t.Helper()
	var all object
	lines := bytes.SplitAfter(stream, []byte("\n"))
	for i, line := range lines[:len(lines)-1] {
		var o object
		if err := json.Unmarshal(line, &o, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("line %d: %q: %v", i, line, err)
		}
		if last := i == len(lines)-2; o.Done != last || (o.DoneReason != "") != last {
			t.Fatalf("line %d: %q: it is, or is not, the end", i, line)
		}
		said := all
		all = o
		if o.Message != nil && said.Message != nil {
			m := *said.Message
			m.Content, m.Thinking, m.ToolCalls = m.Content+o.Message.Content, m.Thinking+o.Message.Thinking, append(m.ToolCalls, o.Message.ToolCalls...)
			all.Message = &m
		}
		all.Response, all.Thinking, all.ToolCalls = said.Response+o.Response, said.Thinking+o.Thinking, append(said.ToolCalls, o.ToolCalls...)
		all.Logprobs = append(said.Logprobs, o.Logprobs...)
	}
	if tail := lines[len(lines)-1]; len(tail) > 0 {
		t.Fatalf("the stream ends with %q", tail)
	}
	return all
}

var head = Head{Model: "tiny:latest", Created: time.Unix(1700000000, 123456789)}

func spell(chat bool, events []ask.Event) (stream []byte, whole object, body []byte, err error) {
	s, a := NewStream(head, chat), NewAnswer(head, chat)
	for i := range events {
		stream, body = s.Append(stream, &events[i]), a.Append(body, &events[i])
	}
	body = append(a.Head(), body...)
	return stream, whole, body, json.Unmarshal(body, &whole, json.RejectUnknownMembers(true))
}

// A stream says what the whole answer says, wherever it is cut.
func TestStreamEqualsAnswer(t *testing.T) {
	for _, g := range generations {
		for _, chat := range []bool{true, false} {
			var first object
			for size := 1; size < 80; size++ {
				stream, whole, body, err := spell(chat, script(g.parts, size, g.end))
				if err != nil {
					t.Fatalf("%s: %s: %v", g.name, body, err)
				}
				if got := read(t, stream); !reflect.DeepEqual(got, whole) {
					t.Fatalf("%s, pieces of %d bytes:\nstream %+v\nanswer %+v", g.name, size, got, whole)
				}
				if size == 1 {
					first = whole
				} else if !reflect.DeepEqual(first, whole) {
					t.Fatalf("%s: pieces of %d bytes give another answer: %s", g.name, size, body)
				}
			}
		}
	}
}

// The tokens of a call have log-probabilities too, which do not end it.
func TestLogprobsOfCalls(t *testing.T) {
	g := generations[len(generations)-1]
	events := script(g.parts, 1, g.end)
	for i := range events[:len(events)-1] {
		events[i].Logprobs = []ask.Logprob{{Candidate: ask.Candidate{Bytes: []byte("x")}}}
	}
	stream, whole, body, err := spell(true, events)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	got := read(t, stream)
	if !reflect.DeepEqual(got, whole) || len(got.Logprobs) != len(events)-1 || len(got.Message.ToolCalls) != 3 || len(got.Message.ToolCalls[0].Function.Arguments) != 2 {
		t.Errorf("\nstream %+v\nanswer %+v", got, whole)
	}
}

func TestLogprobs(t *testing.T) {
	candidate := func(text string, logprob float32) ask.Candidate {
		return ask.Candidate{Bytes: []byte(text), Logprob: logprob}
	}
	events := []ask.Event{
		{Text: []byte("a"), Logprobs: []ask.Logprob{{Candidate: candidate("a", -0.25)}}},
		{Text: []byte("é"), Logprobs: []ask.Logprob{
			{Candidate: candidate("\xc3", -1), Top: []ask.Candidate{candidate("\xc3", -1), candidate("\"", float32(math.Inf(-1)))}},
			{Candidate: candidate("\xa9", -2)},
		}},
		{Logprobs: []ask.Logprob{{Candidate: candidate("", -3)}}},
		{End: &ask.End{}},
	}
	for _, chat := range []bool{true, false} {
		stream, whole, body, err := spell(chat, events)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got := read(t, stream); !reflect.DeepEqual(got, whole) {
			t.Errorf("\nstream %+v\nanswer %+v", got, whole)
		}
		l := whole.Logprobs
		if len(l) != 4 || l[0].Token != "a" || l[0].Logprob != -0.25 || fmt.Sprint(l[1].Bytes) != "[195]" || len(l[1].Top) != 2 || l[1].Top[1].Logprob != lowestLogprob {
			t.Errorf("%+v", l)
		}
	}
}

// A call that was cut off is not told.
func TestCutCall(t *testing.T) {
	whole := `{"city":"Köln"}`
	for n := range len(whole) + 1 {
		events := script([]part{{text: whole[:n], id: "c", name: "f"}}, 3, ask.End{Reason: ask.FinishLength})
		stream, o, body, err := spell(true, events)
		want := 0
		if n == len(whole) {
			want = 1
		}
		if err != nil || len(o.Message.ToolCalls) != want || o.DoneReason != "length" || len(read(t, stream).Message.ToolCalls) != want {
			t.Errorf("%d bytes: %s, %v", n, body, err)
		}
	}
}

func TestTranscripts(t *testing.T) {
	for _, g := range generations {
		var got []byte
		for _, chat := range []bool{true, false} {
			stream, _, body, err := spell(chat, script(g.parts, 16, g.end))
			if err != nil {
				t.Fatal(err)
			}
			got = append(append(append(append(got, body...), '\n'), stream...), '\n')
		}
		wiretest.Golden(t, g.name, got)
	}
	s := NewStream(head, true)
	stream := s.Append(nil, &ask.Event{Text: []byte("Hi")})
	stream = s.AppendFault(stream, &ask.Fault{Kind: ask.EngineStuck, What: "stuck\n", Remedy: "wait"})
	wiretest.Golden(t, "fault", AppendLoaded(AppendLoaded(stream, head, true), head, false))
}

func TestStreamAllocates(t *testing.T) {
	s := NewStream(head, true)
	dst := make([]byte, 0, 8<<10)
	events := []ask.Event{{Reasoning: []byte("thought")}, {Text: []byte("wörld\n")}, {}}
	if n := testing.AllocsPerRun(100, func() {
		dst = dst[:0]
		for i := range events {
			dst = s.Append(dst, &events[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFault(t *testing.T) {
	if got := string(AppendFault(nil, &ask.Fault{What: "full", Remedy: "wait"})); got != `{"error":"full: wait"}` {
		t.Error(got)
	}
	if got := AppendFault(nil, &ask.Fault{What: strings.Repeat("x", 1<<20)}); len(got) > 2<<10 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ id, sent, want string }{
		{"tiny", "tiny", "tiny"}, {"tiny", "tiny:latest", "tiny"}, {"tiny", "tiny:7b", "tiny:7b"},
		{"a:b", "a:b", "a:b"}, {"a:b", "a", "a"}, {"a:b", "a:b:latest", "a:b:latest"}, {"a:latest", "a:latest", "a:latest"},
	} {
		if got := ID(test.sent, test.id); got != test.want {
			t.Errorf("%s, served as %s: %s, want %s", test.sent, test.id, got, test.want)
		}
	}
	if ID("a", "a:latest") != "a:latest" {
		t.Error("a served name with the tag is not found without it")
	}
	d := details(ask.Model{Description: "qwen3 1.7B Q4_K - Medium"})
	if d.Family != "qwen3" || d.QuantizationLevel != "Q4_K - Medium" || details(ask.Model{}).Family != "unknown" {
		t.Errorf("%+v", d)
	}
	for n, want := range map[uint64]string{12: "12", 1500: "1.5K", 2e6: "2.0M", 7_600_000_000: "7.6B"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
