package record

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Bounds of what a recorder keeps, whatever happens.
const (
	maxGoroutines = 1 << 16 // followed at once; with more, all are followed anew
	maxProcs      = 1 << 12
	maxRequests   = 1 << 12 // open, or in the flight
	maxPending    = 64      // alarms that wait for the callback
	maxRan        = 8       // goroutines named of each processor in an alarm
)

// Defaults of a [Config].
const (
	DefaultWindow = 10 * time.Second
	DefaultBytes  = 4 << 20
	DefaultEvery  = time.Second
)

// recordBytes is what a record takes in the flight.
const recordBytes = 40

// ErrClosed is returned for what needs records once the recorder is closed.
var ErrClosed = errors.New("record: recorder is closed")

// A Config says what a recorder keeps and of what it tells. The zero Config keeps
// histograms and a flight of DefaultWindow.
type Config struct {
	// Window is how far back the flight reaches. 0: DefaultWindow.
	Window time.Duration
	// Bytes bounds the memory of the flight's records: with many in a short
	// time it reaches less far back. 0: DefaultBytes.
	Bytes int

	// Starved is called when a goroutine has been ready for longer than its
	// group's limit and did not run: while it still waits, as a rule, or else
	// once it runs. It is told of a wait once. Calls come from one goroutine
	// of the recorder's, one at a time; what happens during a call waits, and
	// past 64 is counted only. nil: nobody is told.
	Starved func(Starved)
	// Limit is the longest wait of a goroutine that Starved is not told of. 0: any
	// is, in groups that Limits does not name.
	Limit time.Duration
	// Limits are the limits of groups, by name; "" is no group. 0: no limit.
	Limits map[string]time.Duration
	// Every is the least time between two calls for one group; what was not
	// told is counted in the next. 0: DefaultEvery.
	Every time.Duration
}

func (c *Config) check() error {
	switch {
	case c.Window < 0:
		return fmt.Errorf("record: window of %v: it cannot be negative", c.Window)
	case c.Bytes < 0:
		return fmt.Errorf("record: flight of %d bytes: it cannot be negative", c.Bytes)
	case c.Limit < 0:
		return fmt.Errorf("record: limit of %v: it cannot be negative", c.Limit)
	case c.Every < 0:
		return fmt.Errorf("record: %v between alarms: it cannot be negative", c.Every)
	}
	for name, limit := range c.Limits {
		if limit < 0 {
			return fmt.Errorf("record: limit of %v for %q: it cannot be negative", limit, name)
		}
	}
	if c.Window == 0 {
		c.Window = DefaultWindow
	}
	if c.Bytes == 0 {
		c.Bytes = DefaultBytes
	}
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	return nil
}

// limit returns the limit of a group, 0 if it has none.
func (c *Config) limit(name string) time.Duration {
	if limit, named := c.Limits[name]; named {
		return limit
	}
	return c.Limit
}

// A Recorder follows the scheduler's records. All methods may be called from any
// goroutine, Starved's callback included. There may be any number of recorders
// in a process; each has its own records, and its own cost.
type Recorder struct {
	cfg    Config
	source source
	sub    subscription // nil: there are no records

	mu      sync.Mutex // of what follows
	gs      map[uint64]*goroutine
	groups  map[int32]*group
	flight  *flight
	pending []Starved
	seen    uint64 // records
	lost    uint64 // as the source last said
	anew    uint64 // times that all goroutines were followed anew
	alarms  uint64
	closed  bool

	// requests has a lock of its own, which is held for no longer than it takes to
	// go through a list: who tells of them may be who must not wait.
	requests struct {
		sync.Mutex
		all []*Request // in the order in which they came
	}

	wake chan struct{} // for watch: there is something pending
	done chan struct{}
	gone sync.WaitGroup
}

// New returns a recorder that follows what happens from now on. On stock Go it
// has nothing to follow: [Supported] says why, and what is left. Close it.
func New(cfg Config) (*Recorder, error) {
	r, err := open(cfg, theSource())
	if err != nil {
		return nil, err
	}
	if r.sub != nil && cfg.Starved != nil {
		r.gone.Go(r.watch)
	}
	return r, nil
}

// open is New without its goroutine.
func open(cfg Config, from source) (*Recorder, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Recorder{
		cfg: cfg, source: from,
		gs: map[uint64]*goroutine{}, groups: map[int32]*group{},
		flight: newFlight(int64(cfg.Window), cfg.Bytes/recordBytes, from.now()),
		wake:   make(chan struct{}, 1), done: make(chan struct{}),
	}
	if ok, _ := from.supported(); !ok {
		return r, nil
	}
	// Records may come before it returns.
	sub, err := from.subscribe(r.deliver)
	if err != nil {
		return nil, fmt.Errorf("record: subscribe to the scheduler's records: %w", err)
	}
	r.sub = sub
	return r, nil
}

// Close ends the recording and waits until no callback runs any more; inside of
// one it must not be called. What was recorded can still be read. A second Close
// does nothing.
func (r *Recorder) Close() {
	r.mu.Lock()
	was := r.closed
	r.closed = true
	r.mu.Unlock()
	if was {
		return
	}
	close(r.done)
	if r.sub != nil {
		r.sub.Close()
	}
	r.gone.Wait()
}

// Now returns the time on the clock of the records, in ns.
func (r *Recorder) Now() int64 { return r.source.now() }

// At returns an instant on the clock of the records. It is no earlier than
// that, and later only by how long At takes, if t has a monotonic reading.
func (r *Recorder) At(t time.Time) int64 {
	ago := time.Since(t)
	return r.Now() - int64(ago)
}

// Goroutine returns the id of the calling goroutine, as records have it.
func Goroutine() uint64 { return theSource().goroutine() }

// flush sees to it that what happened before the call has been delivered.
func (r *Recorder) flush() {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if r.sub != nil && !closed {
		r.sub.Flush()
	}
}

// deliver takes records, in the order of time, and how many have been lost by now,
// before these. One call at a time.
func (r *Recorder) deliver(records []Record, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if lost > r.lost && len(records) > 0 {
		r.flight.add(&Record{Time: records[0].Time, Event: Lost, Arg: lost - r.lost, P: -1})
		r.lost = lost
		r.forget() // who waits may have run
	}
	for i := range records {
		r.flight.add(&records[i])
		if records[i].about() {
			r.follow(&records[i])
		}
	}
	r.seen += uint64(len(records))
	if len(r.pending) > 0 {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// watch tells of goroutines that wait too long, until Close.
func (r *Recorder) watch() {
	least := r.cfg.Limit
	for _, limit := range r.cfg.Limits {
		if limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	var tick <-chan time.Time
	if least > 0 {
		ticker := time.NewTicker(max(least/4, time.Millisecond))
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-r.done:
			return
		case <-tick:
		case <-r.wake:
		}
		r.turn()
	}
}

// Explain says where goroutine g's time went between two instants of [Recorder.Now].
// What is not in the flight any more is Unknown. See [Attribute].
func (r *Recorder) Explain(g uint64, from, to int64) Parts { return sum(r.Timeline(g, from, to)) }

// Timeline returns the spans that Explain adds up. See [Timeline].
func (r *Recorder) Timeline(g uint64, from, to int64) []Span {
	r.flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flight.timeline(g, from, to)
}

// ReasonString names the reason of a wait that is Parked, as tracebacks do.
func (r *Recorder) ReasonString(reason uint8) string { return r.source.reason(reason) }
