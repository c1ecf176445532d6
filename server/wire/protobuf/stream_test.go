package protobuf

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
	"github.com/weirgo/weir/server/wire/wiretest"
)

var testHead = Head{ID: "gen-1", Created: 1700000000, Model: "tiny", SystemFingerprint: "fp"}

// script is an answer with everything that one may have.
func script() []ask.Event {
	candidate := func(t ask.Token, text string, p float32) ask.Candidate {
		return ask.Candidate{Token: t, Bytes: []byte(text), Logprob: p}
	}
	return []ask.Event{
		{PromptTokens: 9},
		{Reasoning: []byte("hm, "), Tokens: []ask.Token{1}},
		{Reasoning: []byte("ja")},
		{Text: []byte("Köl"), Tokens: []ask.Token{300, 2}, Logprobs: []ask.Logprob{
			{Candidate: candidate(300, "K\xc3", -0.5), Top: []ask.Candidate{candidate(300, "K\xc3", -0.5), candidate(7, "B", -1)}},
			{Candidate: candidate(2, "\xb6l", -0.25), Top: []ask.Candidate{candidate(2, "\xb6l", -0.25)}},
		}},
		{Text: []byte("n."), Logprobs: []ask.Logprob{{Candidate: candidate(3, "n.", -2)}}},
		{Calls: []ask.CallPiece{{Index: 0, ID: "call_a", Name: "f"}, {Index: 0, Arguments: []byte(`{"x":`)}}},
		{Calls: []ask.CallPiece{{Index: 0, Arguments: []byte(`1}`)}, {Index: 1, ID: "call_b", Name: "g"}}},
		{Calls: []ask.CallPiece{{Index: 1, Arguments: []byte(`{}`)}}},
		{End: &ask.End{
			Reason: ask.FinishCalls, PromptTokens: 9, CompletionTokens: 8, ReasoningTokens: 2, CachedTokens: 4,
			StopString: "n!", QueueNs: 10, PrefillNs: 20, DecodeNs: 30,
		}},
	}
}

// streamOf is what a stream's encoder makes of events.
func streamOf(f Framing, events []ask.Event) (frames []byte) {
	s := NewStream(testHead, f)
	for i := range events {
		frames = s.Append(frames, &events[i])
	}
	return frames
}

// answerOf is what an answer's encoder makes of events: its head, and what comes
// behind.
func answerOf(f Framing, events []ask.Event) []byte {
	a := NewAnswer(testHead, f)
	var body []byte
	for i := range events {
		body = a.Append(body, &events[i])
	}
	return append(a.Head(), body...)
}

// unframe takes frames apart.
func unframe(t *testing.T, f Framing, frames []byte) (messages [][]byte) {
	t.Helper()
	for len(frames) > 0 {
		var message []byte
		switch f {
		case GRPC:
			size := binary.BigEndian.Uint32(frames[1:])
			message, frames = frames[grpcHeadBytes:grpcHeadBytes+size], frames[grpcHeadBytes+size:]
		case Delimited:
			var n int
			if message, n = protowire.ConsumeBytes(frames); n < 0 {
				t.Fatalf("%x", frames)
			}
			frames = frames[n:]
		default:
			message, frames = frames, nil
		}
		messages = append(messages, message)
	}
	return messages
}

// gathered is a stream as an answer.
func gathered(t *testing.T, f Framing, frames []byte) *weirv1.Answer {
	t.Helper()
	a := new(weirv1.Answer)
	for i, message := range unframe(t, f, frames) {
		var ev weirv1.TokenEvent
		if err := proto.Unmarshal(message, &ev); err != nil {
			t.Fatal(err)
		}
		if (ev.Head != nil) != (i == 0) || a.FinishReason != 0 {
			t.Errorf("event %d of another place: %v", i, &ev)
		}
		if i == 0 {
			a.Head = ev.Head
		}
		a.Text += ev.Text
		a.ReasoningContent += ev.ReasoningContent
		a.TokenIds = append(a.TokenIds, ev.TokenIds...)
		a.Logprobs = append(a.Logprobs, ev.Logprobs...)
		for _, c := range ev.ToolCalls {
			if int(c.Index) == len(a.ToolCalls) {
				a.ToolCalls = append(a.ToolCalls, &weirv1.ToolCall{Id: c.Id, Name: c.Name})
			}
			a.ToolCalls[c.Index].Arguments += c.Arguments
		}
		a.FinishReason, a.Usage, a.Timings, a.StopString = ev.FinishReason, ev.Usage, ev.Timings, ev.StopString
	}
	return a
}

func TestGoldenFrames(t *testing.T) {
	for name, frames := range map[string][]byte{
		"stream-grpc": streamOf(GRPC, script()), "stream-delimited": streamOf(Delimited, script()),
		"answer-grpc": answerOf(GRPC, script()), "answer-bare": answerOf(Bare, script()),
	} {
		wiretest.Golden(t, name, hex.Dump(frames))
	}
}

func TestStreamEqualsAnswer(t *testing.T) {
	events := script()
	for range 200 {
		for _, f := range []Framing{GRPC, Delimited} {
			stream, whole := gathered(t, f, streamOf(f, events)), new(weirv1.Answer)
			if err := proto.Unmarshal(unframe(t, f, answerOf(f, events))[0], whole); err != nil || !proto.Equal(stream, whole) {
				t.Fatalf("stream:\n%v\nwhole:\n%v, %v", stream, whole, err)
			}
		}
		events = randomEvents()
	}
}

func randomEvents() (events []ask.Event) {
	calls := 0
	for range rand.IntN(20) {
		var ev ask.Event
		text := []byte(strings.Repeat("aö€😀", rand.IntN(40)))
		switch rand.IntN(4) {
		case 0:
			ev.Reasoning = text
		case 1:
			ev.Text = text
		case 2:
			ev.Tokens = []ask.Token{rand.N(ask.Token(1 << 30))}
			for range rand.IntN(3) {
				top := make([]ask.Candidate, rand.IntN(3))
				ev.Logprobs = append(ev.Logprobs, ask.Logprob{Candidate: ask.Candidate{Bytes: text, Logprob: -rand.Float32()}, Top: top})
			}
		case 3:
			ev.Calls = []ask.CallPiece{{Index: calls, ID: fmt.Sprint("call", calls), Name: "f"}, {Index: calls, Arguments: text}}
			calls++
		}
		events = append(events, ev)
	}
	return append(events, ask.Event{End: &ask.End{Reason: ask.FinishReason(rand.IntN(3)), CompletionTokens: rand.IntN(1000)}})
}

// A failure is a stream's last message over HTTP, and the call's status over gRPC.
func TestFaultInStream(t *testing.T) {
	fault := &ask.Fault{Kind: ask.EngineStuck, What: "stuck", Remedy: "wait"}
	for _, f := range []Framing{GRPC, Delimited} {
		s := NewStream(testHead, f)
		frames := s.AppendFault(nil, fault)
		if s.Fault() != fault {
			t.Errorf("%v", s.Fault())
		}
		if f == GRPC {
			if len(frames) > 0 {
				t.Errorf("%x", frames)
			}
			continue
		}
		var ev weirv1.TokenEvent
		want := &weirv1.TokenEvent{Error: &weirv1.Error{Code: codeUnavailable, Reason: "ENGINE_STUCK", Message: "stuck: wait", Remedy: "wait"}}
		if err := proto.Unmarshal(unframe(t, f, frames)[0], &ev); err != nil || !proto.Equal(&ev, want) {
			t.Errorf("%v, %v", &ev, err)
		}
	}
	if a := NewAnswer(testHead, GRPC); len(a.AppendFault(nil, fault)) > 0 {
		t.Error("an answer has a fault of its own")
	}
}

// A probe is an event of nothing.
func TestProbes(t *testing.T) {
	for f, probe := range map[Framing][]byte{GRPC: GRPCProbe, Delimited: DelimitedProbe} {
		if want := f.appendMessage(nil, &weirv1.TokenEvent{}); !bytes.Equal(probe, want) {
			t.Errorf("%x, want %x", probe, want)
		}
	}
}

func TestStreamAllocatesNothing(t *testing.T) {
	s, events, buffer := NewStream(testHead, GRPC), script(), make([]byte, 0, 4096)
	events = events[:len(events)-1]
	append := func() {
		for i := range events {
			buffer = s.Append(buffer[:0], &events[i])
		}
	}
	append()
	if n := testing.AllocsPerRun(100, append); n != 0 {
		t.Errorf("%v allocations an answer", n)
	}
}

// What is held is at least what Head will be.
func TestHeldBytes(t *testing.T) {
	a := NewAnswer(testHead, GRPC)
	events := script()
	for i := range events {
		for range 100 {
			if events[i].End == nil {
				a.Append(nil, &events[i])
			}
		}
	}
	if head, held := len(a.Head()), a.HeldBytes(); held < head {
		t.Errorf("%d bytes are held of a head of %d", held, head)
	}
}
