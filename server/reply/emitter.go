package reply

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// Encoder spells the events of one generation in a dialect. The emitter's
// goroutine calls it; it appends to dst, and keeps neither.
type Encoder interface {
	Append(dst []byte, ev *ask.Event) []byte
	// AppendFault appends a failure after which nothing comes.
	AppendFault(dst []byte, f *ask.Fault) []byte
}

// Carrier takes the bytes of one response to its client. A fanout.Stream is
// one.
type Carrier interface {
	// Reserve returns the buffer to append to, Commit takes it back; the
	// error says that the client gets nothing more.
	Reserve() ([]byte, error)
	Commit([]byte) error
	// Ready reports whether the client keeps up. When it is again, or gone,
	// the carrier posts the entry it was made with.
	Ready() bool
	// Err is why the client gets nothing more, nil before that.
	Err() error
	// Close ends the response in order, after what was committed.
	Close() error
}

// Observer is told of a response's progress, on the emitter's goroutine; it
// must not block.
type Observer interface {
	// Delivered is called for each look at the generation that found events.
	Delivered(now time.Time)
	// Ended is called once, before the last bytes are on their way.
	Ended(*ask.End)
	// Sent is called once after Ended, unless there was nothing but a fault, for
	// which others answer: with the bytes of the response, before the last of them
	// are on their way.
	Sent(bytes int64)
}

// Generation is what is to be brought to a client.
type Generation struct {
	Events generate.Stream
	Encoder
	Observer
	// Dear says that reading or encoding an event takes longer than others
	// should wait for: it gets a goroutine of its own, which does the same.
	Dear bool
	// Probe is what a client in doubt is sent within a stream; nil is what the
	// emitter's streams are made with.
	Probe []byte
}

// Emitter is the goroutine that reads all generations that are not dear.
type Emitter struct {
	fan     *fanout.FanOut
	feed    *mailbox.Feed
	stop    mailbox.Entry
	closing atomic.Bool   // what is posted from here on may be behind the stop
	stopped chan struct{} // closed: looks at nothing any more
	once    sync.Once
}

// Start starts an emitter in group, or in the caller's if that is nil.
func Start(streams fanout.Config, group *ggroup.Group) (*Emitter, error) {
	fan, err := fanout.New(streams)
	if err != nil {
		return nil, fmt.Errorf("reply: make fan-out: %w", err)
	}
	m := &Emitter{fan: fan, feed: mailbox.NewFeed(), stopped: make(chan struct{})}
	m.stop.Init(m.feed, nil)
	if group == nil {
		go m.run()
		return m, nil
	}
	if err := group.Go(m.run); err != nil {
		_ = fan.Close(doneContext())
		return nil, fmt.Errorf("reply: start emitter: %w", err)
	}
	return m, nil
}

// doneContext is for calls that are not to wait.
func doneContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// run is the emitter's goroutine: one look at each reply that the feed names,
// one flush for all.
func (m *Emitter) run() {
	defer close(m.stopped)
	var named []*mailbox.Entry
	var scratch ask.Event
	for {
		m.feed.Wait()
		named = m.feed.Take(named[:0])
		now := time.Now()
		for i, entry := range named {
			named[i] = nil
			if entry == &m.stop {
				return
			}
			entry.Owner().(*Reply).serve(now, &scratch)
		}
		m.fan.Flush()
	}
}

// Streams is how many streams are open.
func (m *Emitter) Streams() int { return m.fan.Len() }

// Wait waits until no stream is open. When ctx is done it returns the context's
// error, and they go on.
func (m *Emitter) Wait(ctx context.Context) error { return m.fan.Wait(ctx) }

// Close cuts off the streams that are left and ends the goroutine. The
// generator is closed after it, or before: neither waits for the other.
func (m *Emitter) Close() {
	m.once.Do(func() {
		// Streams are aborted first: each abort posts its reply, and the
		// feed keeps the order, so all are looked at before the stop.
		_ = m.fan.Close(doneContext()) // its error says that streams were cut off
		m.closing.Store(true)          // before the stop, see Reply.wake
		m.stop.Post()
		m.feed.Wake()
		<-m.stopped
	})
}

// Whole reads a generation to its end and returns the body that the answer, its
// encoder, made of it, in parts, of which memory is told as they grow. The error
// is the generation's fault, or memory's, or that ctx was done; the last two end
// it. When Whole returns, nobody is at the memory.
func (m *Emitter) Whole(ctx context.Context, g Generation, answer Answer, memory Memory) ([][]byte, error) {
	g.Encoder = answer
	r := m.newReply(g)
	b := &body{answer: answer, memory: memory, done: make(chan struct{})}
	r.attach(b)
	r.announce()
	var err error
	select {
	case <-b.done:
	case <-ctx.Done():
		err = r.leave(ask.GivenUp(context.Cause(ctx)))
		<-b.done
	case <-m.stopped:
		err = r.leave(ask.Closing())
		<-b.done
	}
	switch {
	case err != nil:
		return nil, err
	case r.end.Fault != nil: // there is one: the body is closed
		return nil, r.end.Fault
	}
	return append([][]byte{answer.Head()}, b.parts...), nil
}

// Start reads a generation for a handler that will stream it.
func (m *Emitter) Start(g Generation) *Reply {
	r := m.newReply(g)
	r.first = make(chan struct{})
	r.announce()
	return r
}

// Refuser is an observer that answers for a generation which has failed before anything
// was sent.
type Refuser interface {
	Observer
	// Refuse returns the whole answer, and makes the header, that of the stream, its
	// own; a status of 0 is none, for a client that is not there. It is called on the
	// emitter's goroutine, once at most, between Ended and Sent.
	Refuse(f *ask.Fault, header http.Header) (status int, body []byte)
}

// Leaves reports whether Leave is for a request.
func (m *Emitter) Leaves(q *http.Request) bool { return m.fan.Leaves(q) }

// Leave reads a generation for a handler that streams it and does not wait: the
// response, with the header that is set on w, leaves the HTTP server at once, and begins
// with the first event. The observer is a Refuser. It reports false if it has to stay, and has done nothing then.
// The error says that nothing was opened, and has ended the generation.
func (m *Emitter) Leave(w http.ResponseWriter, q *http.Request, g Generation) (left bool, err error) {
	r := m.newReply(g)
	s, err := m.fan.OpenLater(w, q, &r.entry, g.Probe)
	switch {
	case err != nil:
		r.announce()
		return false, r.leave(openFault(err))
	case s == nil:
		return false, nil
	}
	r.fresh = true
	r.attach(s)
	r.announce()
	r.wake()
	return true, s.Serve()
}
