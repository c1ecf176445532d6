package page_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromiums are what it is called, in the order of preference; WEIR_CHROMIUM names
// another.
var chromiums = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}

func chromium() string {
	if path := os.Getenv("WEIR_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range chromiums {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// shared is one browser for all tests; each has a profile of its own in it.
var shared struct {
	start sync.Once
	ctx   context.Context
	close []func()
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range shared.close {
		end()
	}
	os.Exit(code)
}

func startBrowser(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, // it sees nothing but this tree's page
		chromedp.WSURLReadTimeout(2*time.Minute), chromedp.Flag("lang", "en-GB"))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	shared.ctx, shared.close = ctx, []func(){leave, end}
	shared.err = chromedp.Do(ctx)
}

// tab is a page in a browser. What the page complains of fails its test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	expected   []string // parts of complaints that are right
}

// browse opens a page in a fresh profile; expected are parts of complaints that
// are no fault.
func browse(t *testing.T, url string, width, height int64, expected ...string) *tab {
	t.Helper()
	path := chromium()
	if path == "" {
		t.Skip("not supported here: no Chromium is on the PATH (Debian: apt-get install chromium), and WEIR_CHROMIUM names none")
	}
	shared.start.Do(func() { startBrowser(path) })
	if shared.err != nil {
		t.Fatalf("start %s: %v", path, shared.err)
	}
	b := &tab{t: t, expected: expected}
	ctx, leave := chromedp.NewContext(shared.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	b.ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() {
		b.mu.Lock()
		for _, c := range b.complaints {
			t.Errorf("the page complains: %s", c)
		}
		b.mu.Unlock()
		cancel()
		leave()
	})
	call(b, log.Enable, cdp.Empty{})
	b.run(chromedp.EmulateViewport(width, height), chromedp.Navigate(url))
	b.until(`document.getElementById("health-text").textContent !== "connecting"`)
	return b
}

func (b *tab) listen(ev any) {
	said := ""
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		said = ev.ExceptionDetails.Text
		if thrown := ev.ExceptionDetails.Exception; thrown != nil {
			said += " " + thrown.Description
		}
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			for _, arg := range ev.Args {
				said += string(arg.Value) + arg.Description
			}
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			said = fmt.Sprintf("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL)
		}
	}
	if said == "" {
		return
	}
	for _, part := range b.expected {
		if strings.Contains(said, part) {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, said)
}

func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// call sends the browser a command.
func call[P, R any](b *tab, command cdp.Command[P, R], parameters P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, parameters); err != nil {
		b.t.Fatal(err)
	}
}

// eval gives what an expression, or the promise that it gives, comes to.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until looks until an expression is true: the page tells nobody what it has drawn.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.await(expression, func() bool {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && ok
	})
}

// await looks until ok.
func (b *tab) await(what string, ok func() bool) {
	b.t.Helper()
	bound, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-bound.Done():
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
			b.t.Fatalf("no sign of: %s\nthe page says:\n%s", what, text)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// send writes a message and sends it with Ctrl+Enter.
func (b *tab) send(text string) {
	b.t.Helper()
	b.run(chromedp.Focus(chromedp.CSS("#composer-text")), chromedp.KeyEvent(text), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	gesture := func(p *runtime.EvaluateParams) { p.UserGesture = new(true) }
	b.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).click()", selector), gesture))
}

// messages gives the texts on the page.
func (b *tab) messages() []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll(".message .body")].map((m) => m.innerText.trim())`)
}

// settled waits until nothing is generated.
func (b *tab) settled(messages int) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelectorAll(".message").length === %d && document.getElementById("stop").hidden`, messages))
}

// picture writes a picture of the page where WEIR_PICTURES names a folder.
func (b *tab) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("WEIR_PICTURES")
	if folder == "" {
		return
	}
	image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/"+name+".png", image, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// prefer sets what the system is said to prefer, such as dark colours.
func (b *tab) prefer(feature, value string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
}
