package local

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

const templateSource = `{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}` +
	`[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`

// open makes a generator over the fake engine, which answers every chat with
// reply.
func open(t *testing.T, fake enginetest.Options) *Generator {
	t.Helper()
	return openWith(t, fake, Config{})
}

// openWith is open with what is not zero of how the model is served.
func openWith(t *testing.T, fake enginetest.Options, cfg Config) *Generator {
	t.Helper()
	template, err := chat.New(templateSource, "<|bos|>", "<|eos|>")
	if err != nil {
		t.Fatal(err)
	}
	model := enginetest.New(fake)
	cfg.ID, cfg.Template, cfg.Context = "tiny", template, engine.ContextConfig{MaxSequences: 4, ContextTokens: 4 * 64}
	cfg.Batching.Log = slog.New(slog.DiscardHandler)
	g, err := New(model, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Close(), model.Close()); err != nil {
			t.Error(err)
		}
		if n := model.CachedTokens(); n != 0 {
			t.Errorf("%d tokens leaked in the cache", n)
		}
	})
	return g
}

func saying(reply string) enginetest.Options {
	return enginetest.Options{Next: enginetest.ReplyAfter("[assistant]", reply)}
}

func hello(change func(*ask.Request)) *ask.Request {
	r := &ask.Request{Messages: []ask.Message{{Role: "user", Content: "hi"}}, TopLogprobs: -1}
	if change != nil {
		change(r)
	}
	return r
}

// answer reads a generation to its end.
func answer(t *testing.T, g *Generator, r *ask.Request) (pieces []string, scores []ask.Logprob, end ask.End) {
	t.Helper()
	events, err := g.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
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
				end = *ev.End
				if events.Next(&ev) {
					t.Error("an event after the end")
				}
				return pieces, scores, end
			}
			pieces, scores = append(pieces, string(ev.Text)), append(scores, ev.Logprobs...)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		reply, stop, text string
		maxTokens, tokens int
		reason            ask.FinishReason
	}{
		{reply: "one two", text: "one two", tokens: 7},
		{reply: "", text: ""},
		{reply: "one two", stop: " t", text: "one", tokens: 5},
		{reply: "a€", text: "a\ufffd", maxTokens: 2, tokens: 2, reason: ask.FinishLength},
		{reply: "tttt th", stop: "th", text: "tttt ", tokens: 7},
		{reply: "tttt", stop: "th", text: "tttt", tokens: 4},
	} {
		for _, top := range []int{-1, 0, 3} {
			g := open(t, saying(test.reply))
			pieces, scores, end := answer(t, g, hello(func(r *ask.Request) {
				r.MaxTokens, r.TopLogprobs = test.maxTokens, top
				if test.stop != "" {
					r.Stop = []string{test.stop}
				}
			}))
			if got := strings.Join(pieces, ""); got != test.text || end.Reason != test.reason || end.Fault != nil {
				t.Errorf("%+v, top %d: got %q, %+v", test, top, got, end)
			}
			if end.CompletionTokens != test.tokens || end.PromptTokens != len("B[user]hi[assistant]") || end.QueueNs == 0 || end.PrefillNs == 0 || end.DecodeNs == 0 {
				t.Errorf("%+v, top %d: %+v", test, top, end)
			}
			if top < 0 {
				if len(scores) != 0 {
					t.Errorf("%+v: %d scores that nobody asked for", test, len(scores))
				}
				continue
			}
			var scored string
			for _, s := range scores {
				scored += string(s.Bytes)
				if len(s.Top) != top {
					t.Errorf("%+v: %d of %d candidates", test, len(s.Top), top)
				}
			}
			if strings.ToValidUTF8(scored, "\ufffd") != test.text {
				t.Errorf("%+v: scores of %q", test, scored)
			}
		}
	}
}

// What depends on the model is refused here, with a fault that says so.
func TestRefusals(t *testing.T) {
	g := open(t, saying("x"))
	for _, test := range []struct {
		name    string
		request *ask.Request
		kind    ask.Kind
		text    string
	}{
		{"model", hello(func(r *ask.Request) { r.Model = "gpt" }), ask.ModelUnknown, `this server has "tiny"`},
		{"logprobs", hello(func(r *ask.Request) { r.TopLogprobs = 1000 }), ask.InvalidValue, "top_logprobs: 1000 is out of range: 0 to 259"},
		{"token", &ask.Request{Prompt: ask.Prompt{Tokens: []ask.Token{1, 1000}}}, ask.InvalidValue, "prompt: token 1000 at index 1 is outside the vocabulary of 259 tokens"},
		{"negative token", &ask.Request{Prompt: ask.Prompt{Tokens: []ask.Token{-1}}}, ask.InvalidValue, "token -1"},
		{"too long", &ask.Request{Prompt: ask.Prompt{Text: strings.Repeat("x", 80)}}, ask.ContextExceeded, "the prompt has 81 tokens and leaves no room to generate in a context of 64 tokens: shorten it"},
		{"empty", &ask.Request{Prompt: ask.Prompt{Tokens: []ask.Token{}}}, ask.PromptEmpty, "empty"},
		{"template", &ask.Request{Messages: []ask.Message{{Role: "tool"}}}, ask.TemplateRefused, "the model's chat template refuses the messages: no tools"},
	} {
		events, err := g.Submit(t.Context(), test.request)
		f, ok := errors.AsType[*ask.Fault](err)
		if events != nil || !ok || f.Kind != test.kind || !strings.Contains(f.Error(), test.text) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	g.template = nil
	if _, err := g.Submit(t.Context(), hello(nil)); err.(*ask.Fault).Kind != ask.TemplateMissing {
		t.Errorf("no template: %v", err)
	}
	if n := g.Stats().Steps; n != 0 {
		t.Errorf("%d decodes of what was refused", n)
	}
}

// A failing engine is told apart from its cause, which is for the log.
func TestEngineFails(t *testing.T) {
	broken := errors.New("broken")
	for _, top := range []int{-1, 1} {
		fake := saying("abcdef")
		fake.Fault = func(at int, _ *engine.Batch) error {
			if at < 3 {
				return nil
			}
			return broken
		}
		pieces, _, end := answer(t, open(t, fake), hello(func(r *ask.Request) { r.TopLogprobs = top }))
		f := end.Fault
		if f == nil || f.Kind != ask.Internal || !errors.Is(f, broken) || strings.Contains(f.Error(), "broken") || strings.Join(pieces, "") != "abc" {
			t.Errorf("top %d: %q, %+v", top, pieces, end)
		}
	}
}

// A cancelled generation frees its sequence though nobody reads on.
func TestCancelFreesTheSequence(t *testing.T) {
	for _, top := range []int{-1, 1} {
		t.Run(fmt.Sprint(top), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				g := open(t, enginetest.Options{Printable: true, Gate: gate})
				events, err := g.Submit(t.Context(), hello(func(r *ask.Request) { r.TopLogprobs = top }))
				if err != nil {
					t.Fatal(err)
				}
				for range 20 {
					gate <- struct{}{}
				}
				synctest.Wait()
				events.Cancel()
				events.Cancel()
				close(gate)
				synctest.Wait()
				if s := g.Stats(); s.Active != 0 || s.KVTokens != 0 || s.Finished[ask.FinishAborted] != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Who asks for timings has with each event how many tokens there are, and with the
// last what the end says; nobody else has them.
func TestSoFar(t *testing.T) {
	for _, raw := range []bool{true, false} {
		for _, timed := range []bool{true, false} {
			g := open(t, saying("abc"))
			events, err := g.Submit(t.Context(), hello(func(r *ask.Request) { r.Timings, r.RawReasoning = timed, raw }))
			if err != nil {
				t.Fatal(err)
			}
			feed := mailbox.NewFeed()
			var entry mailbox.Entry
			entry.Init(feed, nil)
			events.Announce(&entry)
			seen := 0
			for ended := false; !ended; {
				feed.Wait()
				feed.Take(nil)
				var ev ask.Event
				for events.Next(&ev) {
					if ended = ev.End != nil; ended {
						break
					}
					seen++
					if (ev.SoFar != nil) != timed {
						t.Fatalf("event %d: %+v", seen, ev.SoFar)
					}
					if timed && (ev.SoFar.CompletionTokens != seen || ev.SoFar.PromptTokens == 0 || ev.SoFar.PrefillNs <= 0) {
						t.Errorf("event %d: %+v", seen, *ev.SoFar)
					}
				}
			}
			if seen != len("abc") {
				t.Errorf("%d events", seen)
			}
		}
	}
}

// Who asks for it is told how much of the prompt is computed, before all tokens.
func TestProgress(t *testing.T) {
	for _, raw := range []bool{true, false} {
		g := open(t, saying("abc"))
		events, err := g.Submit(t.Context(), hello(func(r *ask.Request) { r.Progress, r.Timings, r.RawReasoning = true, true, raw }))
		if err != nil {
			t.Fatal(err)
		}
		feed := mailbox.NewFeed()
		var entry mailbox.Entry
		entry.Init(feed, nil)
		events.Announce(&entry)
		var seen []ask.Progress
		text := ""
		var end *ask.End
		for end == nil {
			feed.Wait()
			feed.Take(nil)
			var ev ask.Event
			for end == nil && events.Next(&ev) {
				if end = ev.End; ev.Progress == nil {
					text += string(ev.Text)
				} else if seen = append(seen, *ev.Progress); text != "" {
					t.Errorf("progress after %q", text)
				} else if so := ev.SoFar; so == nil || so.PromptTokens != ev.Progress.Processed || so.CompletionTokens != 0 || (so.PrefillNs > 0) != (so.PromptTokens > 0) {
					t.Errorf("%+v with timings of %+v", ev.Progress, so)
				}
			}
		}
		total := end.PromptTokens
		if len(seen) != 2 || seen[0].Processed != 0 || seen[1].Processed != total || seen[1].Total != total || seen[1].Cached != 0 || seen[1].Ns <= 0 {
			t.Errorf("a prompt of %d: %+v", total, seen)
		}
		if text != "abc" || end.CompletionTokens != 3 {
			t.Errorf("%q, %+v", text, end)
		}
	}
}
