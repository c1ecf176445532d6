package reply

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// Reply is one generation on its way to its client.
//
//	field      meaning                              moved by
//	first      closed: there is an event, or the    emitter, once
//	           end, to answer by
//	carrier    takes the bytes; nil before the      the handler, once
//	           handler has opened it
//	held       an event that is taken and waits      emitter
//	           for a carrier
//	left       why the handler goes unanswered      the handler, once
//	over       the client gets nothing more         emitter; the handler, if the
//	                                                emitter has stopped
//
// The handler writes carrier or left and then posts the entry; the emitter takes
// the entry and then reads them. All are atomic, so one of the two looks at the
// event that waits for a carrier.
type Reply struct {
	m      *Emitter
	entry  mailbox.Entry
	events generate.Stream
	enc    Encoder
	obs    Observer

	first   chan struct{} // nil for a whole answer, and once there is a carrier
	carrier atomic.Pointer[Carrier]
	left    atomic.Pointer[ask.Fault]
	box     Carrier // that carrier points to
	probe   *[]byte // nil: the fan-out's
	fresh   bool    // nobody waits for the first event, and nothing is written
	alone   bool    // has a goroutine of its own, in the emitter's place

	held  *ask.Event // nil: none; others are in the scratch of who serves
	end   *ask.End   // the generator's, or of who was lost; nil before
	sent  int64      // bytes committed
	begun bool       // first is closed, its event not written yet
	over  bool
}

// What is encoded at most before the others have their turn: more than a client
// that keeps up ever has waiting.
const (
	writesAtOnce = 16
	bytesAtOnce  = 16 << 10 // of one write; reached by log-probabilities, the event may overshoot
)

// frameBytes is room enough for most events. With less a write ends: a carrier
// has larger buffers ready, append would make one.
const frameBytes = 512

func (m *Emitter) newReply(g Generation) *Reply {
	r := &Reply{m: m, events: g.Events, enc: g.Encoder, obs: g.Observer, alone: g.Dear}
	if probe := g.Probe; probe != nil {
		r.probe = &probe
	}
	if !r.alone {
		r.entry.Init(m.feed, r)
		return r
	}
	r.entry.Init(mailbox.NewFeed(), r)
	return r
}

// announce has the emitter, or the reply's own goroutine, look from now on.
func (r *Reply) announce() {
	if r.alone {
		go r.run()
	}
	r.events.Announce(&r.entry)
}

// run is the goroutine of a reply that is alone.
func (r *Reply) run() {
	feed := r.entry.Feed()
	var named []*mailbox.Entry
	var scratch ask.Event
	for !r.over {
		feed.Wait()
		named = feed.Take(named[:0])
		r.serve(time.Now(), &scratch)
		r.m.fan.Flush()
	}
}

// First waits for the first event. The error is the fault that the generation
// ended with instead, or that ctx was done, which ends it.
func (r *Reply) First(ctx context.Context) error {
	select {
	case <-r.first:
		if r.end != nil && r.end.Fault != nil {
			return r.end.Fault
		}
		return nil
	case <-ctx.Done():
		return r.leave(ask.GivenUp(context.Cause(ctx)))
	case <-r.m.stopped:
		return r.leave(ask.Closing())
	}
}

// leave ends the generation of a handler that goes without its answer, and
// returns why.
func (r *Reply) leave(why *ask.Fault) error {
	r.left.Store(why)
	r.wake()
	return why
}

// Stream opens a stream with the header that is set on w and leaves it to the
// emitter. It returns at once if the stream has left the HTTP server, else at
// its end. The error says that nothing was opened; how a stream ends is the
// observer's business. It may panic with http.ErrAbortHandler, to break a
// response off.
func (r *Reply) Stream(w http.ResponseWriter, q *http.Request) error {
	s, err := r.open(w, q)
	if err != nil {
		return r.leave(openFault(err))
	}
	r.first = nil // before the emitter has a carrier: it looks at it without one
	r.attach(s)
	r.wake()
	if s.Serve() != nil {
		panic(http.ErrAbortHandler) // net/http would end the body as if it were whole
	}
	return nil
}

func (r *Reply) open(w http.ResponseWriter, q *http.Request) (*fanout.Stream, error) {
	if r.probe != nil {
		return r.m.fan.OpenProbed(w, q, &r.entry, *r.probe)
	}
	return r.m.fan.Open(w, q, &r.entry)
}

// Probe finds out whether the client of an open stream is still there, if the
// stream has not left the HTTP server: who has gone will show by a reset.
func (r *Reply) Probe() {
	if c := r.carrier.Load(); c != nil {
		(*c).(*fanout.Stream).Probe()
	}
}

func openFault(err error) *ask.Fault {
	switch {
	case errors.Is(err, fanout.ErrFanOutClosed):
		return ask.Closing()
	case errors.Is(err, fanout.ErrTooManyStreams):
		return &ask.Fault{Kind: ask.QueueFull, What: "too many streams are open", Remedy: "try again later"}
	}
	return ask.GivenUp(err)
}

// wake has the emitter look; if it has stopped, the handler looks in its place.
// The handler's.
func (r *Reply) wake() {
	r.entry.Post()
	r.entry.Feed().Wake()
	// Posted first: who does not see closing yet is in the feed before the stop.
	if !r.alone && r.m.closing.Load() {
		<-r.m.stopped
		r.serve(time.Now(), new(ask.Event))
	}
}

func (r *Reply) attach(c Carrier) {
	r.box = c
	r.carrier.Store(&r.box)
}

// serve looks at the generation and its client; scratch is for its events. Emitter.
func (r *Reply) serve(now time.Time, scratch *ask.Event) {
	if why := r.left.Load(); why != nil && !r.over {
		r.lose(why)
	}
	var c Carrier
	if attached := r.carrier.Load(); attached != nil {
		c = *attached
	}
	for n := 0; !r.over && (c == nil || c.Ready()); n++ {
		if n == writesAtOnce {
			r.entry.Post() // the others first, and what is written is sent
			return
		}
		ev := r.take(scratch)
		if ev == nil {
			break
		}
		if n == 0 && ev.End == nil && ev.Progress == nil && !r.begun {
			r.obs.Delivered(now)
		}
		if c == nil {
			r.begin(ev)
			return
		}
		r.begun = false // what First waited for is written
		if !r.write(c, ev, scratch) {
			return
		}
	}
	// Not ready, or nothing to read: a client that has gone shows here. A
	// carrier posts the entry whenever it is ready again, or has ended.
	if c != nil && !r.over {
		if err := c.Err(); err != nil {
			r.lose(ask.GivenUp(err))
		}
	}
}

// take returns the event to write next, in scratch or held, nil if there is none.
func (r *Reply) take(scratch *ask.Event) *ask.Event {
	if ev := r.held; ev != nil {
		r.held = nil
		return ev
	}
	if r.events.Next(scratch) {
		return scratch
	}
	return nil
}

// write encodes an event, and those behind it that the carrier's buffer has room
// for. It reports whether there may be more.
func (r *Reply) write(c Carrier, ev, scratch *ask.Event) (more bool) {
	if r.fresh && ev.End != nil && ev.End.Fault != nil {
		r.refuse(c.(answerer), ev.End)
		return false
	}
	r.fresh = false
	buffer, err := c.Reserve()
	if err != nil {
		r.lose(refusal(err))
		return false
	}
	begin := len(buffer)
	limit := begin + bytesAtOnce
	for ; ev != nil; ev = r.take(scratch) {
		if ev.End != nil {
			buffer = r.finish(buffer, ev)
			break
		}
		buffer = r.enc.Append(buffer, ev)
		if more = len(buffer) >= limit || cap(buffer)-len(buffer) < frameBytes; more {
			break
		}
	}
	if r.sent += int64(len(buffer) - begin); r.over {
		r.obs.Sent(r.sent)
	}
	err = c.Commit(buffer)
	switch {
	case r.over:
		_ = c.Close() // a client that is gone needs no end
	case err != nil:
		r.lose(refusal(err))
	}
	return more
}

// answerer is a carrier that takes a whole answer instead of a stream. A fanout.Stream
// from OpenLater is one.
type answerer interface {
	Header() http.Header
	Answer(status int, body []byte) error
	Abort(error)
}

// refuse answers with the fault that a generation has ended with before anything else.
func (r *Reply) refuse(c answerer, end *ask.End) {
	r.end, r.over = end, true
	r.obs.Ended(end)
	status, body := r.obs.(Refuser).Refuse(end.Fault, c.Header())
	r.sent = int64(len(body))
	r.obs.Sent(r.sent)
	if status == 0 {
		c.Abort(nil)
		return
	}
	_ = c.Answer(status, body) // a client that is gone needs none
}

// refusal is why a carrier takes nothing more: it says so, or its client has
// gone.
func refusal(err error) *ask.Fault {
	if f, ok := errors.AsType[*ask.Fault](err); ok {
		return f
	}
	return ask.GivenUp(err)
}

// begin lets the handler know that there is something to answer by, and holds it.
func (r *Reply) begin(ev *ask.Event) {
	if r.begun {
		r.held = ev // as before
		return
	}
	held := *ev
	r.held, r.begun = &held, true // a copy: the scratch is the next one's
	if end := ev.End; end != nil && end.Fault != nil {
		r.end, r.over = end, true // the handler answers with the fault
		r.obs.Ended(end)
	}
	close(r.first)
}

// finish observes the end and encodes it.
func (r *Reply) finish(buffer []byte, ev *ask.Event) []byte {
	r.end, r.over = ev.End, true
	r.obs.Ended(r.end) // before the bytes that tell the client
	if r.end.Fault != nil {
		return r.enc.AppendFault(buffer, r.end.Fault)
	}
	return r.enc.Append(buffer, ev)
}

// lose ends a generation that nobody waits for any more.
func (r *Reply) lose(why *ask.Fault) {
	r.end, r.over, r.held = &ask.End{Reason: ask.FinishAborted, Fault: why}, true, nil
	r.events.Cancel()
	r.obs.Ended(r.end)
	r.obs.Sent(r.sent)
	if c := r.carrier.Load(); c != nil {
		if b, ok := (*c).(*body); ok {
			_ = b.Close() // its handler waits for it
		}
	}
}
