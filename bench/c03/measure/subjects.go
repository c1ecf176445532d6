package main

import (
	"bytes"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/reply"
	"github.com/weirgo/weir/server/wire/openai"
	"github.com/weirgo/weir/server/wire/protobuf"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// pieces are tokens' texts, with what JSON escapes and what UTF-8 takes more than a
// byte for.
var pieces = []string{" the", " river", ",", " and", "\n", " says", " \"", "weir", "\"", ".", " Köln", " is", " wet", " 水"}

// subjects are what is measured.
func subjects() []subject {
	plain := ask.Event{Text: []byte(" river"), PromptTokens: 12}
	scored := ask.Event{Text: []byte(" river"), Tokens: []ask.Token{4711}, Logprobs: []ask.Logprob{{Candidate: candidate(0)}}}
	for i := range *top {
		scored.Logprobs[0].Top = append(scored.Logprobs[0].Top, candidate(i))
	}
	return []subject{eventSubject("event", &plain), eventSubject("scored", &scored), answerSubject()}
}

func candidate(i int) ask.Candidate {
	return ask.Candidate{Token: ask.Token(4711 + i), Bytes: []byte(pieces[i%len(pieces)]), Logprob: -0.12345678 * float32(i+1)}
}

var (
	openaiHead   = openai.Head{ID: "chatcmpl-ABCDEFGHIJKLMNOPQRSTUVWXYZ", Created: 1_700_000_000, Model: "tiny", SystemFingerprint: "weir-1"}
	protobufHead = protobuf.Head{ID: "gen-ABCDEFGHIJKLMNOPQRSTUVWXYZ", Created: 1_700_000_000, Model: "tiny", SystemFingerprint: "weir-1"}
)

// vtMessage is a message that vtprotobuf has generated code for.
type vtMessage interface {
	proto.Message
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVT([]byte) error
}

// messageCoders encode a message, and what has the same fields as JSON. fresh makes
// what they decode into.
func messageCoders(m vtMessage, twin any, fresh func() (vtMessage, any)) []coder {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	return []coder{
		{
			name: "protobuf", sized: true,
			encode: func(dst []byte) ([]byte, error) {
				size := m.SizeVT()
				if cap(dst) < size {
					dst = make([]byte, 0, size)
				}
				dst = dst[:size]
				_, err := m.MarshalToSizedBufferVT(dst)
				return dst, err
			},
			decode: func(encoded []byte) error {
				to, _ := fresh()
				return to.UnmarshalVT(encoded)
			},
		},
		{
			name:   "reflected",
			encode: func(dst []byte) ([]byte, error) { return proto.MarshalOptions{}.MarshalAppend(dst, m) },
			decode: func(encoded []byte) error {
				to, _ := fresh()
				return proto.Unmarshal(encoded, to)
			},
		},
		{
			name: "json", sized: true,
			encode: func([]byte) ([]byte, error) {
				text.Reset()
				err := encoder.Encode(twin)
				return text.Bytes(), err
			},
			decode: func(encoded []byte) error {
				_, to := fresh()
				return json.Unmarshal(encoded, to)
			},
		},
	}
}

// encoder is what the server encodes with.
type encoder interface {
	Append(dst []byte, ev *ask.Event) []byte
}

// eventSubject is one event in the midst of a stream.
func eventSubject(name string, ev *ask.Event) subject {
	served, writer := protobuf.NewStream(protobufHead, protobuf.GRPC), openai.NewChatStream(openaiHead, false)
	frame := served.Append(nil, ev) // with what the first one says alone
	writer.Append(nil, ev)
	frame = served.Append(frame[:0], ev)
	m := new(weirv1.TokenEvent)
	if err := m.UnmarshalVT(frame[5:]); err != nil {
		panic("c03: a frame that is none") // the encoder's tests are elsewhere
	}
	as := func(name string, to encoder) coder {
		return coder{name: name, sized: true, encode: func(dst []byte) ([]byte, error) { return to.Append(dst, ev), nil }}
	}
	coders := messageCoders(m, plainEventOf(m), func() (vtMessage, any) { return new(weirv1.TokenEvent), new(plainEvent) })
	return subject{name, append(coders, as("served", served), as("writer", writer))}
}

// answerSubject is an answer of many tokens.
func answerSubject() subject {
	events := make([]ask.Event, *tokens, *tokens+1)
	for i := range events {
		events[i].Text = []byte(pieces[i%len(pieces)])
	}
	events = append(events, ask.Event{End: &ask.End{PromptTokens: 12, CompletionTokens: *tokens, QueueNs: 812_345, PrefillNs: 23_456_789, DecodeNs: 4_567_890_123}})
	as := func(name string, begin func() reply.Answer) coder {
		return coder{name: name, sized: true, encode: func(dst []byte) ([]byte, error) {
			to := begin()
			body := dst[:0]
			for i := range events {
				body = to.Append(body, &events[i])
			}
			head := to.Head()
			return slices.Insert(body, 0, head...), nil
		}}
	}
	served := as("served", func() reply.Answer { return protobuf.NewAnswer(protobufHead, protobuf.Bare) })
	whole, err := served.encode(nil)
	m := new(weirv1.Answer)
	if err != nil || m.UnmarshalVT(whole) != nil {
		panic("c03: an answer that is none")
	}
	coders := messageCoders(m, plainAnswerOf(m), func() (vtMessage, any) { return new(weirv1.Answer), new(plainAnswer) })
	return subject{"answer", append(coders, served, as("writer", func() reply.Answer { return openai.NewChatAnswer(openaiHead, false) }))}
}
