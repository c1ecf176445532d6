package page_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weirgo/weir/server/front/page"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// scripted is a server that answers chats with chunks, one list after the other, and
// has figures that grow with every look at them.
type scripted struct {
	answers [][]string // each a "delta" in JSON
	asked   chan string
}

func (s *scripted) serve(t *testing.T) string {
	t.Helper()
	s.asked = make(chan string, len(s.answers))
	var mux http.ServeMux
	mux.Handle("/", page.Handler())
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) })
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"scripted-7b"}]}`) })
	var looks, next atomic.Int64
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, figures(int(looks.Add(1))))
	})
	mux.HandleFunc("/v1/chat/completions", func(w http.ResponseWriter, q *http.Request) {
		var body struct {
			Messages jsontext.Value `json:"messages"`
		}
		if err := json.UnmarshalRead(q.Body, &body); err != nil {
			t.Error(err)
		}
		s.asked <- string(body.Messages)
		for i, delta := range s.answers[next.Add(1)-1] {
			end := [2]string{"\n\n", "\r\n\r\n"}[i%2] // both are right
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":%s}]}%s", delta, end)
		}
		fmt.Fprint(w, ": nothing\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	server := httptest.NewServer(&mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// figures are a server's at work, at the nth look.
func figures(n int) string {
	wave := [8]int{0, 3, 5, 6, 5, 3, 1, 0}[n%8]
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE weir_generation_tokens_total counter\nweir_generation_tokens_total{model_name=\"a\\\"b,}\\n\"} %d\n", n*300+wave*20)
	fmt.Fprintf(&b, "weir_prompt_tokens_total %d\nweir_decode_steps_total %d\n", n*120+wave*60, n*50)
	fmt.Fprintf(&b, "weir_num_requests_running %d\nweir_num_requests_waiting %d\nweir_kv_cache_usage_perc %v\n", 1+wave/2, wave/3, 0.3+float64(wave)/20)
	fmt.Fprintf(&b, "weir_http_requests_total{path=\"/x\",status=\"200\"} %d\nweir_http_requests_total{path=\"/x\",status=\"400\"} %d\n", n*9, n/4)
	for i, group := range []string{"decode", "inference", "iouring", "logs"} {
		for j, le := range []string{"0.0001", "0.001", "0.01", "+Inf"} {
			fmt.Fprintf(&b, "go_group_wait_seconds_bucket{group=%q,class=\"latency\",le=%q} %d\n", group, le, n*100*(j+1)-i*j)
		}
		fmt.Fprintf(&b, "go_group_wait_seconds_count{group=%q,class=\"latency\"} %d\n", group, n*400)
	}
	fmt.Fprintf(&b, "process_resident_memory_bytes 5.1e+08\nprocess_start_time_seconds 1.7e+09\n")
	return b.String()
}

func TestToolsThoughtsAndJSON(t *testing.T) {
	s := scripted{answers: [][]string{
		{
			`{"role":"assistant","content":""}`, `{"reasoning_content":"The tool knows, "}`, `{"reasoning_content":"so ask it."}`,
			`{"tool_calls":[{"index":0,"id":"call-1","type":"function","function":{"name":"weather","arguments":"{\"town\":"}}]}`,
			`{"tool_calls":[{"index":0,"function":{"arguments":"\"Ulm\"}"}}]}`,
		},
		{`{"content":"<think>\nNow I "}`, `{"content":"know.</think>\n\nIt **rains**."}`},
		{`{"content":"{\"rain\":"}`, `{"content":" true}"}`},
	}}
	b := browse(t, s.serve(t), 1280, 900)
	b.send("Does it rain?")
	b.settled(2)
	<-s.asked
	if got := eval[string](b, `document.querySelector(".call").innerText`); !strings.Contains(got, "weather") || !strings.Contains(got, `"town": "Ulm"`) {
		t.Errorf("call: %q", got)
	}
	if open := eval[bool](b, `document.querySelector(".thought:not([hidden])").open`); open {
		t.Error("what the model thought is not folded")
	}
	if got := eval[string](b, `document.querySelector(".thought:not([hidden]) .text").textContent`); got != "The tool knows, so ask it." {
		t.Errorf("thought: %q", got)
	}
	b.picture("tools")
	b.run(chromedp.Focus(chromedp.CSS(".reply textarea")), chromedp.KeyEvent("rain"))
	b.click(".reply button")
	b.settled(4)
	want := `[{"role":"user","content":"Does it rain?"},{"role":"assistant","content":"","tool_calls":[{"id":"call-1","type":"function","function":{"name":"weather","arguments":"{\"town\":\"Ulm\"}"}}]},{"role":"tool","tool_call_id":"call-1","content":"rain"}]`
	if got := <-s.asked; got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	if got := b.messages()[3]; got != "It rains." {
		t.Errorf("%q", got)
	}
	b.send("As JSON")
	b.settled(6)
	if got := eval[string](b, `document.querySelector(".message:last-child pre").textContent`); got != "{\n  \"rain\": true\n}" {
		t.Errorf("%q", got)
	}
	if got := <-s.asked; !strings.Contains(got, `{"role":"assistant","content":"It **rains**."}`) {
		t.Errorf("what was thought is sent back: %s", got)
	}
}

// What a model says is text, whatever it says.
func TestMarkdownIsSafe(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "x"}, nil), 1280, 800)
	for _, text := range []string{
		`<img src=x onerror="document.title='hit'">`, `<script>document.title='hit'</script>`, `[x](javascript:document.title='hit')`,
		`[x](JaVaScRiPt:alert(1))`, `[x](data:text/html,<script>alert(1)</script>)`, `[x](java` + "\t" + `script:alert(1))`, `<javascript:alert(1)>`,
		`![x](https://evil.example/pixel.png)`, `[x](/metrics)`, `[x](vbscript:x)`, "```<svg/onload=alert(1)>\n<b>\n```", `**<b onclick=alert(1)>x</b>**`,
		`[a](https://a.example/"onmouseover="alert(1))`, `| <img src=x> | b |` + "\n|-|-|\n| <iframe> | c |", `&lt;script&gt;`, "`<b>`",
	} {
		source, _ := json.Marshal(text)
		got := eval[[]string](b, `import("/ui/markdown.js").then(({ markdown }) => {
			const box = document.createElement("div");
			box.append(markdown(`+string(source)+`));
			document.body.append(box);
			const bad = [...box.querySelectorAll("img,script,iframe,svg,style,object,b")].map((n) => n.tagName);
			for (const n of box.querySelectorAll("*")) for (const a of n.attributes) {
				if (a.name.startsWith("on") || (a.name === "href" && !/^(https?|mailto):/.test(a.value))) bad.push(a.name + "=" + a.value);
			}
			box.remove();
			return bad;
		})`)
		if len(got) != 0 || eval[string](b, "document.title") == "hit" {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestMarkdown(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "x"}, nil), 1280, 800)
	for text, want := range map[string]string{
		"# A *b*":                                "<h1>A <em>b</em></h1>",
		"a **b** _c_ ~~d~~ `e*`":                 "<p>a <strong>b</strong> <em>c</em> <s>d</s> <code>e*</code></p>",
		"***x*** 2*3*4 a_b_c":                    "<p><strong><em>x</em></strong> 2<em>3</em>4 a_b_c</p>",
		"a * b * c **":                           "<p>a * b * c **</p>",
		"- a\n- b\n  - c\n- d":                   "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>",
		"3. x\n4. y":                             `<ol start="3"><li>x</li><li>y</li></ol>`,
		"> q\n> r":                               "<blockquote><p>q\nr</p></blockquote>",
		"a\n\n---\nb  \nc":                       "<p>a</p><hr><p>b<br>c</p>",
		"|a|b|\n|-|-:|\n|1|2|":                   `<div class="scroll"><table><thead><tr><th>a</th><th class="right">b</th></tr></thead><tbody><tr><td>1</td><td class="right">2</td></tr></tbody></table></div>`,
		"|a|b|c|\n|-|-|-|\n|1|":                  `<div class="scroll"><table><thead><tr><th>a</th><th>b</th><th>c</th></tr></thead><tbody><tr><td>1</td><td colspan="2"></td></tr></tbody></table></div>`,
		"[x](https://a.example/b) https://c.de.": `<p><a href="https://a.example/b" target="_blank" rel="noopener noreferrer">x</a> <a href="https://c.de/" target="_blank" rel="noopener noreferrer">https://c.de</a>.</p>`,
		`\*a\* 1 < 2`:                            "<p>*a* 1 &lt; 2</p>",
	} {
		source, _ := json.Marshal(text)
		got := eval[string](b, `import("/ui/markdown.js").then(({ markdown }) => {
			const box = document.createElement("div");
			box.append(markdown(`+string(source)+`));
			return box.innerHTML;
		})`)
		if got = strings.ReplaceAll(got, "<br>\n", "<br>"); got != want {
			t.Errorf("%q\ngives %s\nwant  %s", text, got, want)
		}
	}
	// Code is shown as it is, also while its end has not come.
	for _, text := range []string{"```go\nx := <-c\n```", "```go\nx := <-c"} {
		source, _ := json.Marshal(text)
		if got := eval[string](b, `import("/ui/markdown.js").then(({ markdown }) => markdown(`+string(source)+`).querySelector("pre").textContent)`); got != "x := <-c" {
			t.Errorf("%q gives %q", text, got)
		}
	}
	// The work grows with the text, not with its square: this would take hours.
	for _, part := range []string{"*a ", "[", "`", "> ", "- ", "**", "|a", "_a_", "](", "<http://", "https://a(", "~~a", "\\", "`a``"} {
		source, _ := json.Marshal(part)
		if n := eval[int](b, `import("/ui/markdown.js").then(({ markdown }) => markdown(`+string(source)+`.repeat(20000)).textContent.length)`); n == 0 && part != "> " && part != "- " && part != "**" {
			t.Errorf("%q gives nothing", part)
		}
	}
}

// Texts that would take an expression that backtracks, or a table that fills its rows,
// minutes: they end.
func TestMarkdownEnds(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "x"}, nil), 1280, 800)
	for _, text := range []string{
		"`~`.repeat(50000) + '`'", "'```' + ' '.repeat(50000) + '`'", "'#' + ' '.repeat(50000) + '\\u2028x'", "'- ' + ' '.repeat(50000) + '\\u2028x'",
		"`[`.repeat(50000) + ']('", "`http://a${'.'.repeat(1900)}x `.repeat(50)",
		"`a|`.repeat(5000) + '\\n' + '-|'.repeat(5000) + '\\n' + '|\\n'.repeat(5000)",
	} {
		if n := eval[int](b, `import("/ui/markdown.js").then(({ markdown }) => markdown(`+text+`).querySelectorAll("*").length)`); n == 0 || n > 50000 {
			t.Errorf("%s: %d nodes", text, n)
		}
	}
}

func TestColours(t *testing.T) {
	b := browse(t, serve(t, &generatetest.Generator{Reply: "x"}, nil), 1280, 800)
	theme := `document.documentElement.dataset.theme`
	b.prefer("prefers-color-scheme", "dark")
	b.until(theme + ` === "dark"`)
	dark := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
	b.click("#theme")
	b.until(theme + ` === "light"`)
	if light := eval[string](b, `getComputedStyle(document.body).backgroundColor`); light == dark {
		t.Errorf("both are %s", light)
	}
	b.run(chromedp.Reload())
	b.until(theme + ` === "light"`)
	b.click("#theme")
	b.click("#theme")
	b.until(theme + ` === "dark"`) // as the system again
	// Text can be read on what is behind it: a contrast of 4.5 (WCAG 2.2, 1.4.3).
	for range 2 {
		for _, pair := range [][2]string{{"--ink", "--paper"}, {"--soft", "--paper"}, {"--soft", "--shade"}, {"--accent", "--paper"}, {"--accent-ink", "--accent"}, {"--bad", "--bad-wash"}, {"--second", "--paper"}} {
			if c := eval[float64](b, fmt.Sprintf(contrast, pair[0], pair[1])); c < 4.5 {
				t.Errorf("%v: contrast %.2f in %s", pair, c, eval[string](b, theme))
			}
		}
		b.prefer("prefers-color-scheme", "light")
		b.until(theme + ` === "light"`)
	}
}

// Who asked the system for less motion gets none.
func TestReducedMotion(t *testing.T) {
	gate := make(chan struct{})
	b := browse(t, serve(t, &generatetest.Generator{Reply: "x", Gate: gate}, nil), 390, 844)
	b.send("hello")
	moves := `getComputedStyle(document.querySelector(".waiting i")).animationName`
	b.until(moves + ` === "swell"`)
	b.prefer("prefers-reduced-motion", "reduce")
	b.until(moves + ` === "none" && getComputedStyle(document.getElementById("rail")).transitionDuration === "0s"`)
	close(gate)
	b.settled(2)
}

const contrast = `(() => {
	const light = (name) => {
		const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
		const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const [a, b] = [light(%q), light(%q)];
	return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})()`

func TestPhone(t *testing.T) {
	s := scripted{answers: [][]string{{longAnswer}}}
	b := browse(t, s.serve(t), 390, 844)
	b.picture("phone-empty")
	fits := `document.documentElement.scrollWidth <= 390`
	b.until(fits + ` && getComputedStyle(document.getElementById("rail")).visibility === "hidden"`)
	b.send("Show me all you can")
	b.settled(2)
	if !eval[bool](b, fits) {
		t.Error("a message makes the page wider than the screen")
	}
	b.until(`document.querySelector(".prose pre").scrollWidth > 0`)
	b.picture("phone")
	b.click("#rail-open")
	b.until(`getComputedStyle(document.getElementById("rail")).visibility === "visible" && document.activeElement.id === "rail-close"`)
	b.run(chromedp.KeyEvent(kb.Escape))
	b.until(`getComputedStyle(document.getElementById("rail")).visibility === "hidden" && document.activeElement.id === "rail-open"`)
	b.click("#panel-open")
	b.until(`document.querySelectorAll(".plot:not([hidden])").length === 6`)
	b.picture("phone-panel")
	if !eval[bool](b, fits) {
		t.Error("the panel makes the page wider than the screen")
	}
}

const longAnswer = `{"content":"## Levels\n\nThe gate keeps the **upper** level within *a few* centimetres, see [the manual](https://weir.example/manual).\n\n1. Measure the flow\n2. Set the gate\n   - not more than ` + "`2 cm`" + ` a minute\n   - and wait\n\n| Level | Gate | Remark |\n|---|---:|---|\n| low | 4 cm | as long as it rains |\n| high | 31 cm | |\n\n` + "```go\\nfunc settle(ctx context.Context, levels <-chan Level, gate *Gate, slowest time.Duration) error {\\n\\tfor level := range levels {\\n\\t\\tgate.Move(level)\\n\\t}\\n\\treturn ctx.Err()\\n}\\n```" + `\n\n> A weir is not a dam.\n\nThat is all."}`

// The plots show what /metrics says, and the page can be used by keys alone.
func TestPlotsAndKeys(t *testing.T) {
	s := scripted{answers: [][]string{{longAnswer}}}
	b := browse(t, s.serve(t), 1440, 900)
	b.send("How does a weir work?")
	b.settled(2)
	b.until(`document.querySelectorAll(".plot:not([hidden])").length === 6 && document.querySelector(".plot .line").getAttribute("d").includes("L")`)
	titles := eval[[]string](b, `[...document.querySelectorAll(".plot:not([hidden]) h3")].map((n) => n.textContent)`)
	want := []string{"Tokens a second", "Requests", "Tokens a decode", "KV cache in use", "Groups' waits, slowest 1 %", "Errors a second"}
	if !slices.Equal(titles, want) {
		t.Errorf("%q", titles)
	}
	if label := eval[string](b, `document.querySelector(".plot svg").getAttribute("aria-label")`); !strings.Contains(label, "generated") {
		t.Errorf("who cannot see the plot is told %q", label)
	}
	b.until(`document.querySelectorAll(".plot .line")[1].getAttribute("d").split("L").length > 6`)
	b.picture("desktop")
	b.prefer("prefers-color-scheme", "dark")
	b.picture("dark")
	b.click("#tab-settings")
	b.picture("dark-parameters")
	// From the field up to the messages, and among them.
	b.run(chromedp.Focus(chromedp.CSS("#composer-text")), chromedp.KeyEvent(kb.ArrowUp))
	b.until(`document.activeElement.dataset.role === "assistant"`)
	b.run(chromedp.KeyEvent(kb.ArrowUp))
	b.until(`document.activeElement.dataset.role === "user"`)
	b.run(chromedp.KeyEvent(kb.End))
	b.until(`document.activeElement.dataset.role === "assistant"`)
	// Whatever can be focused has a name.
	if nameless := eval[[]string](b, `[...document.querySelectorAll("button, input, textarea, a")]
		.filter((n) => !(n.getAttribute("aria-label") || n.textContent.trim() || n.labels?.length)).map((n) => n.id || n.className)`); len(nameless) != 0 {
		t.Errorf("without a name: %q", nameless)
	}
}

// A server that is not there, or not ready, is told as such, and found again.
func TestServerComesBack(t *testing.T) {
	ready := make(chan struct{})
	var mux http.ServeMux
	mux.Handle("/", page.Handler())
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"late"}]}`) })
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-ready:
			fmt.Fprint(w, `{"status":"ok"}`)
		default:
			w.WriteHeader(503)
			fmt.Fprint(w, `{"error":{"message":"the model is being loaded: try again later"}}`)
		}
	})
	server := httptest.NewServer(&mux)
	defer server.Close()
	b := browse(t, server.URL, 1280, 800, "503", "404")
	b.until(`document.getElementById("health-text").textContent.includes("being loaded") && document.getElementById("health-dot").dataset.state === "wait"`)
	close(ready)
	b.until(`document.getElementById("health-text").textContent === "late" && document.getElementById("health-dot").dataset.state === "ok"`)
}

// slowest is what a server keeps of its slowest requests.
const slowest = `{"first_token":[{"time":"2026-11-28T09:00:00Z","id":"a-1","prompt_tokens":900,"completion_tokens":20,"timeline":[
	{"phase":"receive","ms":1},{"phase":"queue","ms":40},
	{"phase":"first_token","ms":59,"parts":[{"part":"wait","ms":9},{"part":"decode","ms":50},{"part":"engine","ms":0}]},
	{"phase":"decode","ms":100},{"phase":"delivery","ms":1}]}],
	"longest_gap":[{"time":"2026-11-28T09:00:01Z","id":"a-2","prompt_tokens":9,"completion_tokens":20,"timeline":[],
	"longest_gap":{"token":17,"ms":30,"parts":[{"part":"prompts","ms":20},{"part":"decode","ms":10}]}}]}`

// The slowest requests are bars of where their time went, in words for who does not see
// them.
func TestSlowestRequests(t *testing.T) {
	var mux http.ServeMux
	mux.Handle("/", page.Handler())
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) })
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"scripted-7b"}]}`) })
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, figures(1)) })
	mux.HandleFunc("/debug/slow", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, slowest) })
	server := httptest.NewServer(&mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	b := browse(t, server.URL, 1440, 900)
	b.until(`document.getElementById("health-text").textContent === "scripted-7b"`)
	b.click("#tab-slow")
	b.until(`document.querySelectorAll(".slow li").length === 2`)
	labels := eval[[]string](b, `[...document.querySelectorAll(".slow svg")].map((n) => n.getAttribute("aria-label"))`)
	want := []string{"received 1 ms, in the queue 40 ms, others' turn 9 ms, decode 50 ms", "others' prompts 20 ms, decode 10 ms"}
	if !slices.Equal(labels, want) {
		t.Errorf("%q, want %q", labels, want)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll(".slow .now")].map((n) => n.textContent)`); !slices.Equal(got, []string{"100 ms", "30 ms"}) {
		t.Errorf("%q", got)
	}
	widths := eval[[]string](b, `[...document.querySelectorAll(".slow svg")[0].children].map((n) => n.getAttribute("width"))`)
	if !slices.Equal(widths, []string{"1.000", "40.000", "9.000", "50.000"}) {
		t.Errorf("%q", widths)
	}
	if got := eval[string](b, `document.querySelectorAll(".slow li")[1].innerText`); !strings.Contains(got, "before token 17") {
		t.Errorf("%q", got)
	}
	b.picture("slowest")
}
