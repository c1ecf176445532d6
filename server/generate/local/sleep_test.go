package local

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate"
)

// openSleeping opens a generator that falls asleep when it is told that it is late.
func openSleeping(t *testing.T, fake enginetest.Options) (*Generator, *enginetest.Model) {
	t.Helper()
	g := openWith(t, fake, Config{SleepAfter: time.Hour})
	return g, g.model.(*enginetest.Model)
}

// late is when everybody has been idle for long enough.
func late() time.Time { return time.Now().Add(2 * time.Hour) }

// putToSleep waits until a generator that nobody uses is asleep.
func putToSleep(t *testing.T, g *Generator, model *enginetest.Model) {
	t.Helper()
	for !g.Asleep() {
		g.sleep.look(late())
		runtime.Gosched()
	}
	if model.Open() != 0 || !model.Unloaded() {
		t.Fatalf("asleep with %d contexts, unloaded %v", model.Open(), model.Unloaded())
	}
}

// said is the text of an answer.
func said(t *testing.T, g *Generator) string {
	t.Helper()
	pieces, _, end := answer(t, g, hello(nil))
	if end.Reason != ask.FinishStop {
		t.Fatalf("%q, %+v", pieces, end)
	}
	return strings.Join(pieces, "")
}

// To describe the generator does not wake it; to ask for anything does.
func TestSleepAndWake(t *testing.T) {
	g, model := openSleeping(t, saying("so it goes"))
	if got := said(t, g); got != "so it goes" || g.Asleep() {
		t.Fatalf("%q, asleep %v", got, g.Asleep())
	}
	putToSleep(t, g, model)
	describe := func() {
		g.Model()
		g.Properties()
		g.Limits()
		g.FillTokens()
		g.Sequences()
		if g.Load().Generated == 0 || g.Stats().CompletionTokens == 0 {
			t.Error("what was counted is gone")
		}
		if err := errors.Join(g.Check(), g.Live()); err != nil {
			t.Error(err)
		}
		if _, err := g.Spell(nil, 'a', enginetest.EOS); err != nil {
			t.Error(err)
		}
	}
	describe()
	if !g.Asleep() || model.Open() != 0 {
		t.Fatal("a look has woken it")
	}
	for name, ask := range map[string]func() error{
		"submit":   func() error { said(t, g); return nil },
		"tokenize": func() error { _, err := g.Tokenize(t.Context(), "hi", true, true); return err },
		"count": func() error {
			_, err := g.Count(t.Context(), &ask.Request{Messages: []ask.Message{{Role: "user", Content: "hi"}}})
			return err
		},
		"embed": func() error {
			_, _, err := g.Embed(t.Context(), []ask.Prompt{{Tokens: []ask.Token{1}}}, generate.EmbedOptions{})
			return err
		},
		"unpooled": func() error { _, err := g.Unpooled(t.Context()); return err },
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if g.Asleep() || model.Unloaded() || model.Open() == 0 {
			t.Errorf("%s has not woken it", name)
		}
		putToSleep(t, g, model)
	}
}

// Who uses it, or has a generation that has not ended, keeps it awake; and it is not
// asleep before its time.
func TestSleepWaits(t *testing.T) {
	g, model := openSleeping(t, enginetest.Options{Printable: true})
	stream, err := g.Submit(t.Context(), &ask.Request{Prompt: ask.Prompt{Text: "hi"}, TopLogprobs: -1, MaxTokens: 50, IgnoreEOS: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.sleep.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := ""
	read(stream, func(ev *ask.Event) { text += string(ev.Text) })
	if len(text) != 50 {
		t.Errorf("%q", text)
	}
	g.sleep.look(late())
	if g.sleep.change != nil {
		t.Error("asleep with a user")
	}
	g.sleep.leave()
	g.sleep.look(time.Now())
	if g.sleep.change != nil {
		t.Error("asleep before its time")
	}
	putToSleep(t, g, model)
}

// Who gives up while the model is loaded leaves, and the loading goes on: the next one
// finds it there.
func TestWakingGoesOnWithoutWhoAskedForIt(t *testing.T) {
	loading, release := make(chan struct{}), make(chan struct{})
	fake := saying("so it goes")
	fake.Reloading = func(ctx context.Context) error {
		close(loading) // so once
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	g, model := openSleeping(t, fake)
	putToSleep(t, g, model)
	ctx, cancel := context.WithCancel(t.Context())
	var waiters sync.WaitGroup
	for range 3 {
		waiters.Go(func() {
			_, err := g.Submit(ctx, hello(nil))
			if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.Cancelled {
				t.Errorf("who has given up: %v", err)
			}
		})
	}
	<-loading
	cancel()
	waiters.Wait()
	if g.Asleep() || !model.Unloaded() {
		t.Error("it is neither asleep nor awake")
	}
	close(release)
	if got := said(t, g); got != "so it goes" {
		t.Errorf("%q", got)
	}
}

// A model that cannot be loaded fails who asks, and is tried again with the next one.
func TestWakingFails(t *testing.T) {
	left := 2
	fake := saying("so it goes")
	fake.Reloading = func(context.Context) error {
		if left--; left >= 0 {
			return errors.New("the disk is away")
		}
		return nil
	}
	g, model := openSleeping(t, fake)
	putToSleep(t, g, model)
	for range 2 {
		_, err := g.Submit(t.Context(), hello(nil))
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != ask.Internal || !strings.Contains(f.Cause.Error(), "the disk is away") || strings.Contains(f.Error(), "disk") || !g.Asleep() {
			t.Fatalf("%v, asleep %v", err, g.Asleep())
		}
	}
	if got := said(t, g); got != "so it goes" || g.Asleep() {
		t.Errorf("%q, asleep %v", got, g.Asleep())
	}
}

// Closing does not wait for a model that is being loaded, nor does who waits for it.
func TestCloseWhileWaking(t *testing.T) {
	loading := make(chan struct{})
	fake := saying("x")
	fake.Reloading = func(ctx context.Context) error {
		close(loading)
		<-ctx.Done()
		return ctx.Err()
	}
	g, model := openSleeping(t, fake)
	putToSleep(t, g, model)
	var waiter sync.WaitGroup
	waiter.Go(func() {
		_, err := g.Submit(context.Background(), hello(nil))
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.ShuttingDown {
			t.Errorf("who waits: %v", err)
		}
	})
	<-loading
	g.EndAll()
	waiter.Wait()
}

// However requests and sleep meet, every answer is whole.
func TestSleepAmongRequests(t *testing.T) {
	g, _ := openSleeping(t, saying("so it goes"))
	stop := make(chan struct{})
	var sleeper, clients sync.WaitGroup
	sleeper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				g.sleep.look(late())
				runtime.Gosched()
			}
		}
	})
	for range 4 {
		clients.Go(func() {
			for range 25 {
				stream, err := g.Submit(t.Context(), hello(nil))
				if err != nil {
					t.Error(err)
					return
				}
				text := ""
				if read(stream, func(ev *ask.Event) { text += string(ev.Text) }); text != "so it goes" {
					t.Errorf("%q", text)
				}
				if _, err := g.Tokenize(t.Context(), "so it goes", true, true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	sleeper.Wait()
}

// An engine that cannot unload a model is told at once.
func TestSleepNeedsAnEngineThatCan(t *testing.T) {
	model := struct{ engine.Model }{enginetest.New(enginetest.Options{})}
	defer model.Close()
	if _, err := New(model, Config{Context: engine.ContextConfig{MaxSequences: 1, ContextTokens: 64}, SleepAfter: time.Hour}); err == nil {
		t.Error("it is served")
	}
}
