package anthropic

import (
	"encoding/json/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/wiretest"
)

// part is a run of one kind of output.
type part struct {
	kind     blockKind
	text     string
	id, name string // of a call
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
			ev := ask.Event{PromptTokens: end.PromptTokens}
			switch p.kind {
			case thinkingBlock:
				ev.Reasoning = rest[:n]
			case textBlock:
				ev.Text = rest[:n]
			case callBlock:
				piece := ask.CallPiece{Index: calls, Arguments: rest[:n]}
				if first {
					piece.ID, piece.Name = p.id, p.name
				}
				ev.Calls = []ask.CallPiece{piece}
			}
			events, rest = append(events, ev), rest[n:]
		}
		if p.kind == callBlock {
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
	{"text", []part{{kind: textBlock, text: "Hi € \"there\"\n"}}, ask.End{PromptTokens: 3, CompletionTokens: 4}},
	{"empty", nil, ask.End{PromptTokens: 3}},
	{"length", []part{{kind: textBlock, text: "Hi"}}, ask.End{Reason: ask.FinishLength, PromptTokens: 3, CompletionTokens: 1}},
	{"stop", []part{{kind: textBlock, text: "Hi"}}, ask.End{StopString: "\n\"stop\"", PromptTokens: 3, CompletionTokens: 2}},
	{"thinking", []part{{kind: thinkingBlock, text: "Let me see …"}, {kind: textBlock, text: "No."}}, ask.End{PromptTokens: 3, CompletionTokens: 9, ReasoningTokens: 5}},
	{"calls", []part{
		{kind: thinkingBlock, text: "two"}, {kind: textBlock, text: "I look."},
		{kind: callBlock, text: `{"city":"Köln","deep":{"a":[1,2.50,null,"\u00e9\n"]}}`, id: "call_1", name: "weather"},
		{kind: callBlock, id: "call_2", name: "time"},
		{kind: callBlock, text: "{\n \"a\": 1 }", id: "call_3", name: "weather"},
		{kind: textBlock, text: "Done."},
	}, ask.End{Reason: ask.FinishCalls, PromptTokens: 30, CompletionTokens: 40, ReasoningTokens: 1}},
}

// message is what a client has in the end.
type message struct {
	ID           string         `json:"id"`
	Type         string         `json:"type"`
	Role         string         `json:"role"`
	Model        string         `json:"model"`
	Content      []content      `json:"content"`
	StopReason   *string        `json:"stop_reason"`
	StopSequence *string        `json:"stop_sequence"`
	Usage        map[string]any `json:"usage"`
}

type content struct {
	Type      string `json:"type"`
	Text      string `json:"text"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	Input     any    `json:"input"`
}

// frame is an event of a stream.
type frame struct {
	Type    string  `json:"type"`
	Message message `json:"message"`
	Index   int     `json:"index"`
	Block   content `json:"content_block"`
	Delta   struct {
		Type         string  `json:"type"`
		Text         string  `json:"text"`
		Thinking     string  `json:"thinking"`
		Signature    string  `json:"signature"`
		PartialJSON  string  `json:"partial_json"`
		StopReason   *string `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	} `json:"delta"`
	Usage map[string]any `json:"usage"`
}

// read puts a stream together, and checks that its events are in order.
func read(t *testing.T, stream []byte) message {
	t.Helper()
	var m message
	input, open, last := "", false, ""
	for i, text := range strings.Split(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(strings.TrimPrefix(text, "event: "), "\ndata: ")
		var f frame
		if err := json.Unmarshal([]byte(data), &f); !ok || err != nil || f.Type != name {
			t.Fatalf("frame %d: %q: %v", i, text, err)
		}
		at := len(m.Content) - 1
		if (i == 0) != (name == "message_start") || last == "message_stop" || strings.HasPrefix(name, "content_block_") && f.Index != at && (f.Index != at+1 || open) {
			t.Fatalf("frame %d: %q comes too early or too late", i, text)
		}
		switch last = name; name {
		case "message_start":
			m = f.Message
		case "content_block_start":
			m.Content, open, input = append(m.Content, f.Block), true, ""
		case "content_block_delta":
			b := &m.Content[f.Index]
			b.Text += f.Delta.Text
			b.Thinking += f.Delta.Thinking
			b.Signature += f.Delta.Signature
			if input += f.Delta.PartialJSON; !open {
				t.Fatalf("frame %d: no block is open", i)
			}
		case "content_block_stop":
			open = false
			if input != "" {
				if err := json.Unmarshal([]byte(input), &m.Content[f.Index].Input); err != nil {
					t.Fatalf("input %q: %v", input, err)
				}
			}
		case "message_delta":
			m.StopReason, m.StopSequence, m.Usage = f.Delta.StopReason, f.Delta.StopSequence, f.Usage
		}
	}
	if last != "message_stop" || open {
		t.Fatalf("the stream ends with %q", last)
	}
	return m
}

func spell(h Head, events []ask.Event) (stream []byte, whole message, body []byte, err error) {
	s, a := NewStream(h, "req_1"), NewAnswer(h)
	for i := range events {
		stream, body = s.Append(stream, &events[i]), a.Append(body, &events[i])
	}
	body = append(a.Head(), body...)
	return stream, whole, body, json.Unmarshal(body, &whole)
}

// A stream says what the whole answer says, wherever it is cut.
func TestStreamEqualsAnswer(t *testing.T) {
	for _, g := range generations {
		for _, hide := range []bool{false, true} {
			head := Head{ID: "msg_1", Model: "tiny", HideThinking: hide}
			var first message
			for size := 1; size < 80; size++ {
				stream, whole, body, err := spell(head, script(g.parts, size, g.end))
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
			if hide && len(first.Content) > 0 && first.Content[0].Thinking != "" {
				t.Errorf("%s: thinking is not hidden: %+v", g.name, first)
			}
		}
	}
}

// Tokens of the prompt that were there already are counted apart, in the whole answer
// and at the end of a stream.
func TestCachedTokens(t *testing.T) {
	end := ask.End{PromptTokens: 10, CachedTokens: 8, CompletionTokens: 1}
	stream, _, body, err := spell(Head{}, script([]part{{kind: textBlock, text: "Hi"}}, 3, end))
	const want = `"usage":{"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":1}`
	if err != nil || !strings.Contains(string(body), want) || !strings.Contains(string(stream), `},`+want+"}\n\nevent: message_stop") {
		t.Errorf("%s\n%s\n%v", body, stream, err)
	}
}

// A call that was cut off has a block and no input.
func TestCutCall(t *testing.T) {
	whole := `{"city":"Köln"}`
	for n := range len(whole) {
		_, m, body, err := spell(Head{}, script([]part{{kind: callBlock, text: whole[:n], id: "c", name: "f"}}, 3, ask.End{Reason: ask.FinishLength}))
		if err != nil || len(m.Content) != 1 || !reflect.DeepEqual(m.Content[0].Input, map[string]any{}) || *m.StopReason != "max_tokens" {
			t.Errorf("%d bytes: %s, %v", n, body, err)
		}
	}
}

func TestTranscripts(t *testing.T) {
	for _, g := range generations {
		stream, _, body, err := spell(Head{ID: "msg_1", Model: "tiny"}, script(g.parts, 16, g.end))
		if err != nil {
			t.Fatal(err)
		}
		wiretest.Golden(t, g.name, append(append(body, "\n\n"...), stream...))
	}
	s := NewStream(Head{ID: "msg_1", Model: "tiny"}, "req_1")
	stream := s.Append(nil, &ask.Event{Text: []byte("Hi"), PromptTokens: 3})
	wiretest.Golden(t, "fault", s.AppendFault(stream, &ask.Fault{Kind: ask.EngineStuck, What: "stuck\n", Remedy: "wait"}))
}

func TestStreamAllocates(t *testing.T) {
	s := NewStream(Head{ID: "msg_1", Model: "tiny"}, "req_1")
	dst := make([]byte, 0, 8<<10)
	events := []ask.Event{
		{Reasoning: []byte("thought")}, {Text: []byte("wörld\n")}, {Calls: []ask.CallPiece{{ID: "c", Name: "f"}}},
		{Calls: []ask.CallPiece{{Arguments: []byte(`{"a`)}}},
	}
	if n := testing.AllocsPerRun(100, func() {
		dst = dst[:0]
		for i := range events {
			dst = s.Append(dst, &events[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFaults(t *testing.T) {
	for k := range ask.Kind(ask.Kinds) {
		if s := spellings[k]; s.typ == "" || s.status < 400 {
			t.Errorf("kind %d has no type or status", k)
		}
	}
	got := string(AppendFault(nil, &ask.Fault{Kind: ask.QueueFull, What: "full", Remedy: "wait"}, "req_1"))
	if got != `{"type":"error","error":{"type":"overloaded_error","message":"full: wait"},"request_id":"req_1"}` || Status(ask.QueueFull) != 529 {
		t.Error(got)
	}
	if got := string(AppendFault(nil, &ask.Fault{Kind: ask.Unsupported, Param: "thread", What: "no"}, "req_1")); got !=
		`{"type":"error","error":{"type":"invalid_request_error","message":"no","details":{"error_code":"thread_unsupported_request","unsupported":["thread"]}},"request_id":"req_1"}` {
		t.Error(got)
	}
	if got := AppendFault(nil, &ask.Fault{What: strings.Repeat("x", 1<<20)}, ""); len(got) > 2<<10 {
		t.Errorf("%d bytes", len(got))
	}
}
