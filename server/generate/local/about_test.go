package local

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate"
)

var (
	_ generate.Renderer  = (*Generator)(nil)
	_ generate.Describer = (*Generator)(nil)
	_ generate.Watcher   = (*Generator)(nil)
	_ generate.Filler    = (*Generator)(nil)
)

// What is shown of a prompt is what its tokens are made of.
func TestRender(t *testing.T) {
	g := open(t, saying("x"))
	text, err := g.Render(t.Context(), hello(nil), true)
	if err != nil || text != "<|bos|>[user]hi[assistant]" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err = g.Render(t.Context(), hello(nil), false); err != nil || text != "<|bos|>[user]hi" {
		t.Errorf("%q, %v", text, err)
	}
	for want, r := range map[ask.Kind]*ask.Request{
		ask.ModelUnknown:    hello(func(r *ask.Request) { r.Model = "other" }),
		ask.TemplateRefused: {Messages: []ask.Message{{Role: "tool"}}},
	} {
		_, err := g.Render(t.Context(), r, true)
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != want {
			t.Errorf("%v, want kind %d", err, want)
		}
	}
	g.template = nil
	_, err = g.Render(t.Context(), hello(nil), true)
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.TemplateMissing || f.Remedy == "" {
		t.Error(err)
	}
}

func TestProperties(t *testing.T) {
	g := open(t, saying("x"))
	want := generate.Properties{Path: "fake.gguf", ChatTemplate: templateSource, BOS: "<|bos|>", EOS: "<|eos|>", Sequences: 4, Ends: []ask.Token{enginetest.EOS}}
	if got := g.Properties(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if all := g.Sequences(); len(all) != 4 || all[0].Busy {
		t.Errorf("%+v", all)
	}
	answer(t, g, hello(nil))
	if l := g.Load(); l.Busy != 0 || l.Waiting != 0 || l.Decodes == 0 || l.Generated == 0 {
		t.Errorf("%+v", l)
	}
}

// Tokens go with the text that they complete, and all of them come.
func TestTokens(t *testing.T) {
	for _, top := range []int{-1, 2} {
		g := open(t, saying("aé stop"))
		events, err := g.Submit(t.Context(), hello(func(r *ask.Request) { r.ReturnTokens, r.TopLogprobs, r.Stop = true, top, []string{"stop"} }))
		if err != nil {
			t.Fatal(err)
		}
		var tokens, scored []ask.Token
		text := ""
		read(events, func(ev *ask.Event) {
			tokens, text = append(tokens, ev.Tokens...), text+string(ev.Text)
			for _, e := range ev.Logprobs {
				scored = append(scored, e.Token)
			}
		})
		if spelled, err := g.AppendText(nil, -1, tokens...); err != nil || string(spelled) != text || text != "aé " {
			t.Errorf("%q, %v; the text is %q", spelled, err, text)
		}
		if top >= 0 && len(scored) != len(tokens) {
			t.Errorf("%v, %v", scored, tokens)
		}
	}
}

// filling is a model with control tokens for gaps.
type filling struct {
	*enginetest.Model
	keys     map[string]string
	controls map[string]engine.Token
}

func (m filling) Metadata(key string) (string, bool) {
	value, ok := m.keys[key]
	return value, ok
}

func (m filling) Tokenize(ctx context.Context, dst []engine.Token, how engine.Tokenizing, text ...engine.Span) ([]engine.Token, error) {
	if token, ok := m.controls[text[0].Text]; ok && text[0].Control {
		return append(dst, token), nil
	}
	return m.Model.Tokenize(ctx, dst, how, text...)
}

func TestFillTokens(t *testing.T) {
	none := generate.FillTokens{Begin: enginetest.BOS, Prefix: -1, Suffix: -1, Middle: -1, Repository: -1, File: -1}
	for _, test := range []struct {
		model filling
		want  generate.FillTokens
	}{
		{filling{}, none},
		{filling{controls: map[string]engine.Token{"<fim_prefix>": 10, "<fim_suffix>": 11, "<fim_middle>": 12, "<reponame>": 13}},
			generate.FillTokens{Begin: enginetest.BOS, Prefix: 10, Suffix: 11, Middle: 12, Repository: 13, File: -1}},
		{filling{keys: map[string]string{"tokenizer.ggml.fim_pre_token_id": "1", "tokenizer.ggml.suffix_token_id": "2", "tokenizer.ggml.fim_mid_token_id": "9999", "tokenizer.ggml.fim_sep_token_id": "x"},
			controls: map[string]engine.Token{"<|fim_prefix|>": 10, "<|file_sep|>": 14}},
			generate.FillTokens{Begin: enginetest.BOS, Prefix: 1, Suffix: 2, Middle: -1, Repository: -1, File: 14}},
	} {
		test.model.Model = enginetest.New(enginetest.Options{})
		if got := fillTokens(test.model); got != test.want {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}

// A template by its name works with its marks as control tokens.
func TestNamedTemplate(t *testing.T) {
	source, _ := chat.Named("phi3")
	template, err := chat.New(source, "", "")
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, saying("x"))
	g.template = template
	text, err := g.Render(t.Context(), hello(nil), true)
	if err != nil || !strings.HasPrefix(text, "<|user|>\nhi<|end|>\n") {
		t.Errorf("%q, %v", text, err)
	}
}

// read gives the events of a generation to f, but for the end.
func read(events generate.Stream, f func(*ask.Event)) {
	feed := mailbox.NewFeed()
	var entry mailbox.Entry
	entry.Init(feed, nil)
	events.Announce(&entry)
	for {
		feed.Wait()
		feed.Take(nil)
		var ev ask.Event
		for events.Next(&ev) {
			if ev.End != nil {
				return
			}
			f(&ev)
		}
	}
}
