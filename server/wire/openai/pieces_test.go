package openai

import (
	"encoding/json/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// piecesOf gives the events of a generation that thinks, speaks, and calls three
// tools, each part cut where cut says, save that characters are whole.
func piecesOf(cut func(text string) []string) []ask.Event {
	var events []ask.Event
	for _, text := range cut("hm \"so\"\n…") {
		events = append(events, ask.Event{Reasoning: []byte(text), PromptTokens: 3})
	}
	for _, text := range cut("I look: ") {
		events = append(events, ask.Event{Text: []byte(text)})
	}
	for i, arguments := range []string{`{"city":"Köln","deep":{"a":[1,2.50,null,"\u00e9\n\"😀"]}}`, `{}`, "{\n \"a\": 1 }"} {
		call := ask.CallPiece{Index: i, ID: "call_" + string('a'+rune(i)), Name: "weather"}
		for _, text := range cut(arguments) {
			call.Arguments = []byte(text)
			events = append(events, ask.Event{Calls: []ask.CallPiece{call}})
			call = ask.CallPiece{Index: i}
		}
	}
	return append(events, ask.Event{End: &ask.End{Reason: ask.FinishCalls, PromptTokens: 3, CompletionTokens: 40, ReasoningTokens: 4}})
}

// cuts are all that there is of a text: in pieces of so many bytes, and in two.
func cuts() []func(string) []string {
	var all []func(string) []string
	whole := func(text string, n int) int {
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		return min(n, len(text))
	}
	for size := 1; size < 64; size++ {
		all = append(all, func(text string) (pieces []string) {
			for text != "" {
				n := whole(text, size)
				pieces, text = append(pieces, text[:n]), text[n:]
			}
			return pieces
		}, func(text string) []string {
			n := whole(text, size)
			return []string{text[:n], text[n:]}
		})
	}
	return all
}

// spoken is what a client has of a chat's answer.
type spoken struct {
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content"`
	Calls     []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// add takes what a chunk of a stream has.
func (s *spoken) add(t *testing.T, delta spoken) {
	t.Helper()
	s.Content += delta.Content
	s.Reasoning += delta.Reasoning
	for _, c := range delta.Calls {
		switch {
		case c.Index == len(s.Calls) && c.ID != "":
			s.Calls = append(s.Calls, c)
		case c.Index == len(s.Calls)-1 && c.ID == "" && c.Function.Name == "":
			s.Calls[c.Index].Function.Arguments += c.Function.Arguments
		default:
			t.Fatalf("a piece of call %d, named %q, after %d calls", c.Index, c.ID, len(s.Calls))
		}
	}
}

// A chat's stream says what the whole answer says, wherever it is cut.
func TestStreamedChatEqualsAnswer(t *testing.T) {
	type choice struct {
		Message spoken `json:"message"`
		Delta   spoken `json:"delta"`
		Finish  string `json:"finish_reason"`
	}
	for _, cut := range cuts() {
		stream, answer := NewChatStream(testHead, true), NewChatAnswer(testHead, false)
		var chunks, body []byte
		for _, ev := range piecesOf(cut) {
			chunks, body = stream.Append(chunks, &ev), answer.Append(body, &ev)
		}
		var whole struct {
			Choices []choice       `json:"choices"`
			Usage   map[string]any `json:"usage"`
		}
		if err := json.Unmarshal(append(answer.Head(), body...), &whole); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		for i := range whole.Choices[0].Message.Calls {
			whole.Choices[0].Message.Calls[i].Index = i // which is not told of calls that are whole
		}
		var got spoken
		finish, usage := "", map[string]any(nil)
		for frame := range strings.SplitSeq(strings.TrimSuffix(string(chunks), wire.DoneFrame), "\n\n") {
			if frame == "" {
				continue
			}
			var chunk struct {
				Choices []choice       `json:"choices"`
				Usage   map[string]any `json:"usage"`
			}
			if err := json.Unmarshal([]byte(strings.TrimPrefix(frame, "data: ")), &chunk); err != nil {
				t.Fatalf("%q: %v", frame, err)
			}
			for _, c := range chunk.Choices {
				got.add(t, c.Delta)
				finish += c.Finish
			}
			if chunk.Usage != nil {
				usage = chunk.Usage
			}
		}
		if want := whole.Choices[0]; !reflect.DeepEqual(got, want.Message) || finish != want.Finish || !reflect.DeepEqual(usage, whole.Usage) || len(got.Calls) != 3 {
			t.Fatalf("stream %+v, %s, %v\nanswer %+v, %s, %v", got, finish, usage, want.Message, want.Finish, whole.Usage)
		}
	}
}

// A streamed response ends with the whole one, wherever it is cut, and its deltas
// are what it has.
func TestStreamedResponsePiecesEqualAnswer(t *testing.T) {
	var r ResponseRequest
	if err := wire.Decode([]byte(`{"input":"x"}`), &r); err != nil {
		t.Fatal(err)
	}
	a, err := r.Ask(testDefaults)
	if err != nil {
		t.Fatal(err)
	}
	head := r.Head(testHead, a)
	first := ""
	for _, cut := range cuts() {
		stream, answer := NewResponseStream(head), NewResponseAnswer(head)
		var events, body []byte
		for _, ev := range piecesOf(cut) {
			events, body = stream.Append(events, &ev), answer.Append(body, &ev)
		}
		if first == "" {
			first = string(body)
		} else if string(body) != first {
			t.Fatalf("another cut gives another answer:\n%s\n%s", body, first)
		}
		deltas, done := map[string]string{}, map[string]string{}
		last := ""
		for frame := range strings.SplitSeq(strings.TrimSuffix(string(events), "\n\n"), "\n\n") {
			name, data, _ := strings.Cut(strings.TrimPrefix(frame, "event: "), "\ndata: ")
			var e struct {
				ItemID    string `json:"item_id"`
				Delta     string `json:"delta"`
				Text      string `json:"text"`
				Arguments string `json:"arguments"`
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatalf("%q: %v", frame, err)
			}
			deltas[e.ItemID] += e.Delta
			if strings.HasSuffix(name, "text.done") || strings.HasSuffix(name, "arguments.done") {
				done[e.ItemID] = e.Text + e.Arguments
			}
			last = data
		}
		delete(deltas, "") // of events that are not an item's
		if !reflect.DeepEqual(deltas, done) || len(done) != 5 || !strings.HasSuffix(last, `"response":`+string(body)+"}") {
			t.Fatalf("deltas %q, in the end %q; the last event\n%s\nthe answer\n%s", deltas, done, last, body)
		}
	}
}
