package reply

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// script is a generation whose events a test gives it.
type script struct {
	events    []ask.Event
	cancelled bool
}

func (s *script) Announce(*mailbox.Entry) {}
func (s *script) Cancel()                 { s.cancelled = true }
func (s *script) Next(ev *ask.Event) bool {
	if len(s.events) == 0 {
		return false
	}
	*ev, s.events = s.events[0], s.events[1:]
	return true
}

// trace is carrier, encoder and observer in one, and notes what they see.
type trace struct {
	seen     []string
	buffer   []byte
	notReady bool
	err      error
	end      *ask.End
	sent     []int64 // one, after the end
}

func (c *trace) Reserve() ([]byte, error) { return c.buffer[:0], c.err }
func (c *trace) Commit(b []byte) error {
	c.buffer = b
	c.seen = append(c.seen, "commit "+string(b))
	return c.err
}
func (c *trace) Ready() bool { return !c.notReady }
func (c *trace) Err() error  { return c.err }
func (c *trace) Close() error {
	c.seen = append(c.seen, "close")
	return nil
}
func (c *trace) Append(dst []byte, ev *ask.Event) []byte {
	if ev.End != nil {
		return append(dst, "end"...)
	}
	return append(dst, ev.Text...)
}
func (c *trace) AppendFault(dst []byte, f *ask.Fault) []byte { return append(dst, f.What...) }
func (c *trace) Delivered(time.Time)                         { c.seen = append(c.seen, "delivered") }
func (c *trace) Ended(end *ask.End) {
	c.end = end
	c.seen = append(c.seen, "ended "+end.Reason.String())
}

func (c *trace) Sent(bytes int64) { c.sent = append(c.sent, bytes) }
func (c *trace) Head() []byte     { return []byte("head") }
func (c *trace) HeldBytes() int   { return 4 }

// room is a memory for so many bytes. It notes the most that was held.
type room struct{ limit, most int }

func (r *room) Hold(n int) error {
	if r.most = max(r.most, n); n > r.limit {
		return &ask.Fault{Kind: ask.MemoryFull, What: "full"}
	}
	return nil
}

var plenty = &room{limit: 1 << 30}

func joined(parts [][]byte) string { return string(bytes.Join(parts, nil)) }

func text(s string) ask.Event { return ask.Event{Text: []byte(s)} }

func end(reason ask.FinishReason, f *ask.Fault) ask.Event {
	return ask.Event{End: &ask.End{Reason: reason, Fault: f}}
}

// begun is a reply without an emitter's goroutine: the test calls serve.
func begun(events ...ask.Event) (*Reply, *script, *trace) {
	s, c := &script{events: events}, &trace{buffer: make([]byte, 0, 8<<10)}
	m := &Emitter{feed: mailbox.NewFeed(), stopped: make(chan struct{})}
	return m.Start(Generation{Events: s, Encoder: c, Observer: c}), s, c
}

func (c *trace) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.seen, want) {
		t.Errorf("seen  %q\nwant  %q", c.seen, want)
	}
	c.seen = nil
}

// The handler is told of the first event, which waits for it to open the
// stream; what comes meanwhile is left unread.
func TestFirstEventWaitsForACarrier(t *testing.T) {
	r, s, c := begun(text("a"), text("b"))
	r.serve(time.Now(), new(ask.Event))
	r.serve(time.Now(), new(ask.Event))
	if err := r.First(t.Context()); err != nil || len(s.events) != 1 {
		t.Errorf("%v, %d events left", err, len(s.events))
	}
	c.expect(t, "delivered")
	r.attach(c)
	r.serve(time.Now(), new(ask.Event))
	c.expect(t, "commit ab")
	s.events = append(s.events, text("c"), end(ask.FinishStop, nil))
	r.serve(time.Now(), new(ask.Event))
	c.expect(t, "delivered", "ended stop", "commit cend", "close")
	s.events = append(s.events, text("d"))
	r.serve(time.Now(), new(ask.Event)) // an announcement that was late
	c.expect(t)
	if !slices.Equal(c.sent, []int64{6}) {
		t.Errorf("%d bytes sent", c.sent)
	}
}

func TestFaultInsteadOfTheFirstEvent(t *testing.T) {
	fault := &ask.Fault{Kind: ask.QueueFull, What: "full"}
	r, _, c := begun(end(ask.FinishError, fault))
	r.serve(time.Now(), new(ask.Event))
	if err := r.First(t.Context()); err != error(fault) {
		t.Errorf("%v", err)
	}
	c.expect(t, "ended error")
}

func TestFaultInMidStream(t *testing.T) {
	r, _, c := begun(text("a"), end(ask.FinishError, &ask.Fault{What: "broken"}))
	r.attach(c)
	r.serve(time.Now(), new(ask.Event))
	c.expect(t, "delivered", "ended error", "commit abroken", "close")
	if !slices.Equal(c.sent, []int64{7}) {
		t.Errorf("%d bytes sent", c.sent)
	}
}

// A client that does not keep up has its generation left unread.
func TestNotReadyIsLeftUnread(t *testing.T) {
	r, s, c := begun(text("a"))
	r.attach(c)
	c.notReady = true
	r.serve(time.Now(), new(ask.Event))
	if len(s.events) != 1 {
		t.Error("read though its client does not keep up")
	}
	c.notReady = false
	r.serve(time.Now(), new(ask.Event))
	c.expect(t, "delivered", "commit a")
}

// One look at a reply that always has more is bounded; then the others have
// their turn.
func TestEveryoneHasATurn(t *testing.T) {
	large := strings.Repeat("x", bytesAtOnce) // fills a write by itself
	r, s, c := begun(slices.Repeat([]ask.Event{text(large)}, writesAtOnce+1)...)
	r.attach(c)
	r.serve(time.Now(), new(ask.Event))
	c.expect(t, append([]string{"delivered"}, slices.Repeat([]string{"commit " + large}, writesAtOnce)...)...)
	if len(r.m.feed.Take(nil)) != 1 {
		t.Error("not named again")
	}
	s.events = append(s.events, end(ask.FinishStop, nil))
	r.serve(time.Now(), new(ask.Event))
	c.expect(t, "delivered", "commit "+large, "ended stop", "commit end", "close")
	if len(r.m.feed.Take(nil)) != 0 {
		t.Error("named again after its end")
	}
}

// A client that has gone ends its generation, whether it is read or not.
func TestLostClient(t *testing.T) {
	for _, notReady := range []bool{false, true} {
		for _, events := range [][]ask.Event{nil, {text("a")}} {
			r, s, c := begun(events...)
			r.attach(c)
			c.notReady, c.err = notReady, errors.New("gone")
			r.serve(time.Now(), new(ask.Event))
			r.serve(time.Now(), new(ask.Event))
			if c.seen = slices.DeleteFunc(c.seen, func(s string) bool { return s == "delivered" }); !s.cancelled {
				t.Error("not cancelled")
			}
			c.expect(t, "ended abort")
			if !slices.Equal(c.sent, []int64{0}) {
				t.Errorf("%d bytes sent", c.sent)
			}
			if c.end.Fault == nil || c.end.Fault.Kind != ask.Cancelled || !errors.Is(c.end.Fault, c.err) {
				t.Errorf("ended with %+v", c.end.Fault)
			}
		}
	}
}

func TestWritingAllocatesNothingPerToken(t *testing.T) {
	r, s, c := begun()
	r.attach(c)
	batch := []ask.Event{text("a"), text("b"), text("c")}
	seen := make([]string, 0, 8)
	now, scratch := time.Now(), new(ask.Event)
	if n := testing.AllocsPerRun(100, func() {
		s.events, c.seen = batch, seen
		r.serve(now, scratch)
	}); n > 1 { // the trace's own note
		t.Errorf("%v allocations for 3 events", n)
	}
}

// start is a whole emitter over package net.
func start(t *testing.T) *Emitter {
	t.Helper()
	m, err := Start(fanout.Config{Backend: iouring.BackendNet}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// A handler that goes while its first event is on its way leaves a generation
// that ends, once, whatever comes of it.
func TestHandlerGoesAsTheFirstEventComes(t *testing.T) {
	for _, before := range []bool{false, true} {
		r, s, c := begun(text("a"))
		if before {
			r.serve(time.Now(), new(ask.Event))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for r.First(ctx) == nil { // either is ready
		}
		s.events = append(s.events, end(ask.FinishAborted, ask.GivenUp(nil)))
		r.serve(time.Now(), new(ask.Event))
		r.serve(time.Now(), new(ask.Event))
		if c.seen = slices.DeleteFunc(c.seen, func(s string) bool { return s == "delivered" }); !s.cancelled {
			t.Errorf("first event before %v: not cancelled", before)
		}
		c.expect(t, "ended abort")
	}
}

// Who comes after Close is told, and frees what it has begun.
func TestAfterClose(t *testing.T) {
	m, g := start(t), &generatetest.Generator{Reply: "abc", Gate: make(chan struct{})}
	waiting, opening, late := new(trace), new(trace), new(trace)
	submit := func() generate.Stream {
		events, err := g.Submit(t.Context(), &ask.Request{TopLogprobs: -1})
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	first, stream := m.Start(Generation{Events: submit(), Encoder: waiting, Observer: waiting}), m.Start(Generation{Events: submit(), Encoder: opening, Observer: opening})
	m.Close()
	_, whole := m.Whole(t.Context(), Generation{Events: submit(), Observer: late}, late, plenty)
	for what, ended := range map[string]struct {
		err error
		of  *trace
	}{
		"First":  {first.First(t.Context()), waiting},
		"Stream": {stream.Stream(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)), opening},
		"Whole":  {whole, late},
	} {
		if f, ok := errors.AsType[*ask.Fault](ended.err); !ok || f.Kind != ask.ShuttingDown {
			t.Errorf("%s: %v", what, ended.err)
		}
		if e := ended.of.end; e == nil || e.Reason != ask.FinishAborted || e.Fault.Kind != ask.ShuttingDown {
			t.Errorf("%s: ended with %+v", what, e)
		}
		ended.of.expect(t, "ended abort")
	}
	if n := g.Running(); n != 0 {
		t.Errorf("%d generations are left running", n)
	}
}

// What the observer hears of a stream that could not be opened is what the
// client does.
func TestTooManyStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := Start(fanout.Config{Backend: iouring.BackendNet, StreamsLimit: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		g := &generatetest.Generator{Reply: "abc", Gate: gate}
		var replies [2]*Reply
		var traces [2]trace
		for i := range replies {
			events, err := g.Submit(t.Context(), &ask.Request{TopLogprobs: -1})
			if err != nil {
				t.Fatal(err)
			}
			replies[i] = m.Start(Generation{Events: events, Encoder: &traces[i], Observer: &traces[i]})
		}
		go func() { _ = replies[0].Stream(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)) }()
		synctest.Wait()
		err = replies[1].Stream(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
		synctest.Wait()
		f, ok := errors.AsType[*ask.Fault](err)
		if e := traces[1].end; !ok || f.Kind != ask.QueueFull || e == nil || e.Fault != f {
			t.Errorf("%v, ended with %+v", err, e)
		}
		close(gate)
		synctest.Wait()
		m.Close()
	})
}

// stuck is an encoder that takes long.
type stuck struct {
	trace
	entered, let chan struct{}
}

func (c *stuck) Append(dst []byte, ev *ask.Event) []byte {
	c.entered <- struct{}{}
	<-c.let
	return c.trace.Append(dst, ev)
}

// What is dear keeps nobody waiting but its own client.
func TestDearRepliesAreAlone(t *testing.T) {
	m, g := start(t), &generatetest.Generator{Reply: "a"}
	whole := func(enc Answer, dear bool) (string, error) {
		events, err := g.Submit(t.Context(), &ask.Request{TopLogprobs: -1})
		if err != nil {
			return "", err
		}
		body, err := m.Whole(t.Context(), Generation{Events: events, Observer: new(trace), Dear: dear}, enc, plenty)
		return joined(body), err
	}
	dear := &stuck{entered: make(chan struct{}), let: make(chan struct{})}
	done := make(chan error)
	go func() {
		body, err := whole(dear, true)
		if body != "headaend" && err == nil {
			err = errors.New(body)
		}
		done <- err
	}()
	<-dear.entered
	if body, err := whole(new(trace), false); body != "headaend" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	go func() {
		for range dear.entered {
		}
	}()
	close(dear.let)
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(dear.entered)
}

// A reply lives as long as its stream.
func TestReplyIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Reply{}); size > 192 {
		t.Errorf("a reply is %d bytes", size)
	}
}
