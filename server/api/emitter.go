package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/openai"
)

// emitter is the goroutine that serves the streams: each time the loop's feed
// names generations, it turns their results into frames in their streams'
// buffers and sends all with one flush.
//
// A stream that is not ready is left unread, so that its generation pauses,
// until the fan-out says that it is ready again. Streams whose client has gone
// while nothing was generated for it are found by looking at all of them now
// and then.
type emitter struct {
	h       *Handler
	fan     *fanout.FanOut
	feed    *mailbox.Feed // of emissions, and of the three that follow
	resumed mailbox.Entry // some stream is ready again
	look    mailbox.Entry // streams that have gone are to be looked for
	stop    mailbox.Entry
	stopped chan struct{}
	once    sync.Once

	mu     sync.Mutex
	live   map[*emission]struct{}
	closed bool

	// The goroutine's own.
	taken   []*mailbox.Entry
	paused  []*emission
	results [wakeResults]batch.Result
	frames  []byte // of the sink at work
}

// lookInterval is how often streams are looked at that get no tokens: how long
// a paused or evicted sequence may outlive its client.
const lookInterval = 100 * time.Millisecond

func startEmitter(h *Handler) (*emitter, error) {
	m := &emitter{
		h: h, feed: mailbox.NewFeed(), stopped: make(chan struct{}), live: map[*emission]struct{}{},
	}
	for _, e := range []*mailbox.Entry{&m.resumed, &m.look, &m.stop} {
		e.Init(m.feed, nil)
	}
	cfg := *h.cfg.FanOut
	if cfg.DropAfter == 0 {
		cfg.DropAfter = h.cfg.WriteTimeout
	}
	var err error
	if m.fan, err = fanout.New(cfg); err != nil {
		return nil, fmt.Errorf("api: make fan-out: %w", err)
	}
	if h.cfg.Group == nil {
		go m.run()
		return m, nil
	}
	if err := h.cfg.Group.Go(m.run); err != nil {
		_ = m.fan.Close(doneContext())
		return nil, fmt.Errorf("api: start emitter: %w", err)
	}
	return m, nil
}

// doneContext is for calls that are not to wait.
func doneContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// post has the emitter's goroutine look at something.
func (m *emitter) post(e *mailbox.Entry) {
	e.Post()
	m.feed.Wake()
}

// take hands an emission over to the emitter; after close it is cut off.
func (m *emitter) take(e *emission, about exchange) {
	e.about = about
	m.mu.Lock()
	closed := m.closed
	if !closed {
		m.live[e] = struct{}{}
	}
	m.mu.Unlock()
	if closed {
		m.cutOff(e)
		return
	}
	e.entry.Init(m.feed, e)
	e.gen.Announce(&e.entry)
}

// cutOff ends what the emitter's goroutine does not serve any more.
func (m *emitter) cutOff(e *emission) {
	e.stream.Abort(fanout.ErrFanOutClosed)
	e.gen.Cancel()
	if !e.over {
		m.finish(e, batch.FinishAborted, fmt.Errorf("%w: %w", errClientGone, fanout.ErrFanOutClosed))
	}
}

// run is the emitter's goroutine.
func (m *emitter) run() {
	defer close(m.stopped)
	look := time.AfterFunc(lookInterval, func() { m.post(&m.look) })
	defer look.Stop()
	for {
		m.feed.Wait()
		m.taken = m.feed.Take(m.taken[:0])
		now := time.Now()
		for i, e := range m.taken {
			switch e {
			case &m.stop:
				return
			case &m.resumed: // or has ended
				m.dropGone()
				m.resume()
			case &m.look:
				m.dropGone()
				look.Reset(lookInterval)
			default:
				m.serve(e.Owner().(*emission), now)
			}
			m.taken[i] = nil
		}
		m.fan.Flush()
	}
}

// serve reads what is there of an emission.
func (m *emitter) serve(e *emission, now time.Time) {
	if e.ended || e.paused {
		return
	}
	e.out.frames = m.frames[:0]
	for m.read(e, now) {
	}
	if m.frames = e.out.frames[:0]; cap(m.frames) > maxPooledBytes {
		m.frames = nil
	}
	e.out.frames = nil
}

// read delivers once and reports whether there may be more.
func (m *emitter) read(e *emission, now time.Time) bool {
	if !e.over && !e.stream.Ready() {
		e.paused = true
		m.paused = append(m.paused, e)
		return false
	}
	n, err := e.gen.Poll(m.results[:])
	switch {
	case err != nil: // io.EOF
		m.end(e)
		return false
	case n == 0:
		return false
	case e.over:
		return true
	}
	reason, err := m.h.deliver(m.results[:n], now, e.job, e.out)
	if reason != handedOver || err != nil {
		m.finish(e, reason, err)
		e.gen.Cancel()
	}
	return true // an announcement may stand for results and for the end
}

// end takes the end of a generation.
func (m *emitter) end(e *emission) {
	e.ended = true
	if !e.over {
		reason, err := m.h.end(e.gen.Finish(), e.job, e.out)
		m.finish(e, reason, err)
	}
	m.mu.Lock()
	delete(m.live, e)
	m.mu.Unlock()
	e.job.release()
}

// finish ends the response.
func (m *emitter) finish(e *emission, reason batch.FinishReason, err error) {
	e.over = true
	status := http.StatusOK
	// The failure is counted, told to the client, and logged where it must be.
	if wire, ok := errors.AsType[*openai.Error](m.h.finish(e.job, e.out, reason, err)); ok {
		status = wire.Status
	}
	endStream(e.stream, err)
	m.h.account(e.about, status)
}

// resume serves the paused emissions whose clients have caught up, or gone.
func (m *emitter) resume() {
	waiting, now := m.paused, time.Now()
	m.paused = nil
	for _, e := range waiting {
		e.paused = false
		m.serve(e, now) // pauses it again if need be
	}
}

// dropGone ends the generations whose streams have ended before them.
func (m *emitter) dropGone() {
	var gone []*emission
	m.mu.Lock()
	for e := range m.live {
		if e.stream.Err() != nil {
			gone = append(gone, e)
		}
	}
	m.mu.Unlock()
	for _, e := range gone {
		if !e.over {
			m.finish(e, batch.FinishAborted, fmt.Errorf("%w: %w", errClientGone, e.stream.Err()))
			e.gen.Cancel()
		}
	}
	if len(gone) > 0 {
		m.resume() // what is over is read to its end
	}
}

// waitInterval is how often wait looks.
const waitInterval = time.Millisecond

func (m *emitter) wait(ctx context.Context) error {
	for m.fan.Len() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(waitInterval):
		}
	}
	return nil
}

// close cuts off the streams that are left; generations that no stream wants
// any more end when the loop comes to them.
func (m *emitter) close() {
	m.once.Do(func() {
		_ = m.fan.Close(doneContext()) // its error says that streams were cut off
		m.post(&m.stop)
		<-m.stopped
		m.mu.Lock()
		defer m.mu.Unlock()
		m.closed = true
		for e := range m.live {
			m.cutOff(e)
		}
	})
}
