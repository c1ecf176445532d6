package page_test

import (
	"encoding/json/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// asked notes what a generator was asked.
type asked struct {
	mu       sync.Mutex
	requests []ask.Request
}

func (a *asked) note(r *ask.Request) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, *r)
	return nil
}

func (a *asked) last(t *testing.T) ask.Request {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.requests) == 0 {
		t.Fatal("nothing was asked")
	}
	return a.requests[len(a.requests)-1]
}

func contents(r ask.Request) (out []string) {
	for _, m := range r.Messages {
		out = append(out, m.Role+": "+m.Content)
	}
	return out
}

// A token is shown as it comes, and the next one behind it.
func TestStreamIsShown(t *testing.T) {
	gate := make(chan struct{})
	b := browse(t, serve(t, &generatetest.Generator{Reply: "abcdef", Gate: gate}, nil), 1280, 800)
	b.send("hello")
	b.until(`document.querySelector(".waiting")`)
	for _, want := range []string{"a", "ab", "abc"} {
		gate <- struct{}{}
		b.until(`document.querySelectorAll(".message .body")[1]?.innerText.trim() === "` + want + `"`)
	}
	if eval[bool](b, `document.getElementById("stop").hidden`) {
		t.Error("there is no way to stop")
	}
	close(gate)
	b.settled(2)
	if got := b.messages(); !slices.Equal(got, []string{"hello", "abcdef"}) {
		t.Errorf("%q", got)
	}
	b.until(`document.querySelector(".figures")?.textContent.startsWith("6 tokens")`)
	if said := eval[string](b, `document.getElementById("spoken").textContent`); said != "Answer: abcdef" {
		t.Errorf("who listens hears %q", said)
	}
	if title := eval[string](b, `document.title`); title != "hello – Weir" {
		t.Errorf("title %q", title)
	}
}

// Esc and the button stop; what came stays, and the server stops as well.
func TestStop(t *testing.T) {
	gate := make(chan struct{})
	defer close(gate)
	generator := &generatetest.Generator{Reply: strings.Repeat("x", 100), Gate: gate}
	b := browse(t, serve(t, generator, nil), 1280, 800)
	for i, stop := range []func(){
		func() { b.run(chromedp.KeyEvent(kb.Escape)) },
		func() { b.click("#stop") },
	} {
		b.send("go")
		gate <- struct{}{}
		b.until(`document.querySelector(".message:last-child .body").innerText.trim() === "x"`)
		stop()
		b.settled(2 * (i + 1))
		b.until(`document.querySelector(".message:last-child .ended").textContent === "Stopped."`)
		b.await("the generation's end", func() bool { return generator.Running() == 0 }) // the connection's is on its way
	}
}

// What a tool returned may come while the model says something else, which stops: one
// answer comes at a time.
func TestToolAnsweredInMidAnswer(t *testing.T) {
	gate := make(chan struct{})
	defer close(gate)
	generator := &generatetest.Generator{Reply: strings.Repeat("x", 100), Gate: gate}
	b := browse(t, serve(t, generator, nil), 1280, 800)
	eval[bool](b, `import("/ui/store.js").then((s) => { s.imported(JSON.stringify({ format: "weir-conversations", version: 1, conversations: [{ id: "c", messages: [
		{ role: "user", content: "rain?" }, { role: "assistant", content: "", calls: [{ id: "call-1", name: "weather", arguments: "{}" }] }] }] })); s.setCurrentID("c"); return true; })`)
	b.run(chromedp.Reload())
	b.until(`document.querySelector(".reply textarea")`)
	b.send("never mind")
	gate <- struct{}{}
	b.until(`document.querySelector(".message:last-child .body").innerText.trim() === "x"`)
	b.click(".reply button")
	b.until(`document.querySelectorAll(".message").length === 4`)
	gate <- struct{}{}
	b.await("the end of the first answer", func() bool { return generator.Running() == 1 })
}

func TestAnswerAgainAndEdit(t *testing.T) {
	var seen asked
	b := browse(t, serve(t, &generatetest.Generator{Reply: "fine", Refuse: seen.note}, nil), 1280, 800)
	b.send("one")
	b.settled(2)
	b.send("two")
	b.settled(4)
	if got := contents(seen.last(t)); !slices.Equal(got, []string{"user: one", "assistant: fine", "user: two"}) {
		t.Errorf("%q", got)
	}
	b.click(`.message:nth-child(2) [aria-label="Answer again"]`)
	b.settled(2)
	if got := contents(seen.last(t)); !slices.Equal(got, []string{"user: one"}) {
		t.Errorf("again: %q", got)
	}
	// The user's message is said anew, and answered.
	b.click(`.message:nth-child(1) [aria-label="Edit the message"]`)
	b.run(chromedp.KeyEvent("uno, "), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.settled(2)
	b.until(`document.querySelector(".message .body").innerText.includes("uno")`)
	if got := contents(seen.last(t)); len(got) != 1 || !strings.Contains(got[0], "uno") {
		t.Errorf("edited: %q", got)
	}
	// The model's is changed, and what follows is told the change.
	b.click(`.message:nth-child(2) [aria-label="Edit the message"]`)
	b.run(chromedp.Evaluate[chromedp.Void](`(() => { const f = document.querySelector(".editor textarea"); f.value = "changed"; f.form.requestSubmit(); })()`))
	b.send("three")
	b.settled(4)
	if got := contents(seen.last(t)); len(got) != 3 || got[1] != "assistant: changed" {
		t.Errorf("changed: %q", got)
	}
	b.click(`.message:nth-child(1) [aria-label="Delete the message"]`)
	b.settled(3)
	if got := b.messages(); !slices.Equal(got, []string{"changed", "three", "fine"}) {
		t.Errorf("deleted: %q", got)
	}
}

func TestConversationsSurviveAReload(t *testing.T) {
	url := serve(t, &generatetest.Generator{Reply: "**fine**"}, nil)
	b := browse(t, url, 1280, 800)
	b.send("first")
	b.settled(2)
	b.click("#new-chat")
	b.until(`document.querySelector(".empty")`)
	b.send("second")
	b.settled(2)
	b.run(chromedp.Reload())
	b.until(`document.querySelectorAll("#chats li").length === 2`)
	if got := b.messages(); !slices.Equal(got, []string{"second", "fine"}) {
		t.Errorf("%q", got)
	}
	b.click("#chats li:nth-child(2) .open")
	b.until(`document.getElementById("chat-title").textContent === "first"`)
	if got := b.messages(); !slices.Equal(got, []string{"first", "fine"}) {
		t.Errorf("%q", got)
	}
	// Renamed, it keeps its name.
	b.click(`#chats li[data-current] [title="Rename"]`)
	b.run(chromedp.KeyEvent("other name"), chromedp.KeyEvent(kb.Enter))
	b.until(`document.getElementById("chat-title").textContent === "other name"`)
	b.run(chromedp.Reload())
	b.until(`document.getElementById("chat-title").textContent === "other name"`)
	// The arrows go through the list.
	b.run(chromedp.Focus(chromedp.CSS("#chats li:nth-child(1) .open")), chromedp.KeyEvent(kb.ArrowDown))
	b.until(`document.activeElement === document.querySelector("#chats li:nth-child(2) .open")`)
	// Written out and read in again, they are there twice.
	eval[bool](b, `import("/ui/store.js").then((s) => { s.imported(s.exported(s.chats())); return true; })`)
	b.run(chromedp.Reload())
	b.until(`document.querySelectorAll("#chats li").length === 4`)
}

func TestParametersAreSent(t *testing.T) {
	var seen asked
	b := browse(t, serve(t, &generatetest.Generator{Reply: "abcdef", Refuse: seen.note}, nil), 1280, 800)
	b.click("#tab-settings")
	for id, value := range map[string]string{"temperature": "0.25", "top_p": "0.5", "top_k": "7", "min_p": "0.125", "max_tokens": "3", "system": "Be brief."} {
		b.run(chromedp.Focus(chromedp.CSS("#set-"+id)), chromedp.KeyEvent(value))
	}
	b.send("hello")
	b.settled(2)
	r := seen.last(t)
	if s := r.Sampling; s.Temperature != 0.25 || s.TopP != 0.5 || s.TopK != 7 || s.MinP != 0.125 || r.MaxTokens != 3 {
		t.Errorf("%+v", r)
	}
	if got := contents(r); !slices.Equal(got, []string{"system: Be brief.", "user: hello"}) {
		t.Errorf("%q", got)
	}
	b.until(`document.querySelector(".ended").textContent.includes("limit")`)
	// What is no number is told, and nothing is sent.
	b.run(chromedp.Focus(chromedp.CSS("#set-seed")), chromedp.KeyEvent("x"))
	b.until(`document.getElementById("set-seed").getAttribute("aria-invalid") === "true"`)
	b.send("again")
	b.until(`document.getElementById("notice").innerText.includes("Seed")`)
	b.settled(2)
}

func TestKeyIsAskedFor(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "fine"}, func(c *front.Config) { c.Keys = []string{"secret"} }), 1280, 800, "401")
	b.until(`document.getElementById("notice").innerText.includes("key")`)
	b.send("hello")
	b.until(`document.activeElement.id === "set-key"`)
	b.settled(2)
	b.run(chromedp.KeyEvent("secret"))
	b.until(`document.getElementById("health-text").textContent === "tiny"`)
	b.click(`.message:nth-child(2) [aria-label="Answer again"]`)
	b.settled(2)
	if got := b.messages(); !slices.Equal(got, []string{"hello", "fine"}) {
		t.Errorf("%q", got)
	}
	if kept := eval[string](b, `JSON.stringify(localStorage)`); strings.Contains(kept, "secret") {
		t.Errorf("the key is kept beyond the tab: %s", kept)
	}
}

// Copying works without a clipboard as well, and a file is saved though nothing may be
// fetched but from here.
func TestCopyAndExport(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "`x`"}, nil), 1280, 800)
	b.send("hello")
	b.settled(2)
	b.click(`.message:nth-child(2) [aria-label="Copy the message"]`)
	b.until(`document.getElementById("spoken").textContent === "Copied"`)
	b.run(chromedp.Focus(chromedp.CSS("#composer-text")), chromedp.KeyEvent("v", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.click("#export-all")
	b.click(`#chats [title="Export"]`)
	b.click(`#chats [title="Rename"]`)
	b.run(chromedp.KeyEvent("kept"), chromedp.KeyEvent(kb.Escape))
	b.until(`document.getElementById("chat-title").textContent === "hello"`)
	// Deleted, it is gone; what is left is an empty one.
	b.run(chromedp.Evaluate[chromedp.Void](`window.confirm = () => true`))
	b.click(`#chats [title="Delete"]`)
	b.until(`document.querySelector(".empty") && document.getElementById("chat-title").textContent === "New conversation"`)
	if kept := eval[int](b, `Object.keys(localStorage).filter((k) => k.startsWith("weir.chat.")).length`); kept != 0 {
		t.Errorf("%d are kept", kept)
	}
}

// A file from anywhere brings no more than conversations have.
func TestImportedFiles(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "x"}, nil), 1280, 800)
	for file, want := range map[string]string{
		`{`:    "That file is no JSON.",
		`null`: "That file holds no conversations of this page.",
		`{"format":"weir-conversations","conversations":7}`:                                                                                  "That file holds no conversations of this page.",
		`{"format":"weir-conversations","conversations":[null,7,{},{"messages":7}]}`:                                                         `[]`,
		`{"format":"weir-conversations","conversations":[{"id":"../x","title":7,"messages":[null,{"role":"system"},{"role":"user"}]}]}`:      `["Conversation",1]`,
		`{"format":"weir-conversations","conversations":[{"title":"<b>","messages":[{"role":"assistant","content":{},"calls":[null,{}]}]}]}`: `["<b>",1]`,
	} {
		source, _ := json.Marshal(file)
		got := eval[string](b, `import("/ui/store.js").then((s) => JSON.stringify(s.imported(`+string(source)+`).flatMap((c) => [c.title, c.messages.length]))).catch((e) => e.message)`)
		if got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	b.run(chromedp.Reload())
	b.until(`document.querySelectorAll("#chats li").length === 2`)
	b.click("#chats li:nth-child(1) .open")
	b.click("#chats li:nth-child(2) .open")
	if eval[bool](b, `document.querySelector("#chats b, #chat-title b, #log .body b") !== null`) {
		t.Error("a title became markup")
	}
}

// A server that refuses says why, on the page.
func TestFaultIsShown(t *testing.T) {
	refuse := func(*ask.Request) error {
		return &ask.Fault{Kind: ask.QueueFull, What: "the queue is full", Remedy: "come again"}
	}
	b := browse(t, serve(t, &generatetest.Generator{Refuse: refuse}, nil), 1280, 800, "429")
	b.send("hello")
	b.until(`document.querySelector(".fault")?.textContent === "the queue is full: come again"`)
	b.settled(2)
}
