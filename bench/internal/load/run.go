package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Bounds of a run.
const (
	DefaultTimeout = 60 * time.Second
	maxStreams     = 20_000
	maxRequests    = 1 << 20
	dueRequests    = 1 << 16 // an open loop's requests that wait for a connection
)

// Config says what to send. The zero value of a field takes its default.
type Config struct {
	URL     string // http://host:port/v1/completions or .../v1/chat/completions; required
	APIKey  string
	Request Request
	// Streams is the number of connections. Default 1.
	Streams int
	// Requests ends the run after so many. Default: Streams.
	Requests int
	// Stop, if not nil, ends the run once it is closed: no more requests are sent, but
	// for the first one, and those under way are waited for.
	Stop <-chan struct{}
	// Rate, if not zero, makes an open loop of so many requests a second.
	Rate float64
	// Timeout is how long a request may go without a byte. Default
	// DefaultTimeout.
	Timeout time.Duration
	// KeepArrivals keeps the time of each frame, 24 bytes a frame.
	KeepArrivals bool
	// Header is sent besides, by name.
	Header map[string]string
	// Window, if not zero, ends the run after so long, by default whatever Requests
	// would be: what is under way then is cut off.
	Window time.Duration
}

func (c Config) complete() (Config, error) {
	if c.Streams == 0 {
		c.Streams = 1
	}
	if c.Requests == 0 {
		c.Requests = c.Streams
		if c.Window > 0 {
			c.Requests = maxRequests
		}
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Streams < 0 || c.Streams > maxStreams || c.Requests < 0 || c.Requests > maxRequests {
		return c, fmt.Errorf("load: %d streams and %d requests asked for: at most %d and %d", c.Streams, c.Requests, maxStreams, maxRequests)
	}
	if c.Request.MaxTokens < 1 || c.Rate < 0 || c.Timeout < 0 || c.Window < 0 {
		return c, errors.New("load: tokens must be positive, rate, timeout and window not negative")
	}
	return c, nil
}

// Run sends the requests and returns when all have ended. A request that fails
// is part of the report; an error means that there was no measurement.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	l := &loop{cfg: cfg, report: &Report{
		Generations: make([]Generation, 0, min(cfg.Requests, maxStreams)),
		FirstToken:  hdrhistogram.New(shortestUs, longestUs, digits),
		InterToken:  hdrhistogram.New(shortestUs, longestUs, digits),
	}}
	if l.target, err = parseTarget(cfg.URL); err != nil {
		return nil, err
	}
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("load: create epoll set: %w", err)
	}
	defer l.close()
	for range min(cfg.Streams, cfg.Requests) {
		s := newStream(l)
		l.streams = append(l.streams, s)
		if err := s.dial(); err != nil {
			return nil, fmt.Errorf("load: connect: %w", err)
		}
		l.idle = append(l.idle, s)
	}
	cpuBefore := processCPU()
	l.begin = time.Now()
	l.arrivals = rand.New(rand.NewPCG(uint64(cfg.Request.Sampling.Seed), 0))
	l.nextDue = l.begin
	if err := l.run(ctx); err != nil {
		return nil, err
	}
	l.report.Wall, l.report.ClientCPU = time.Since(l.begin), processCPU()-cpuBefore
	return l.report, nil
}

// loop is the one goroutine's state.
type loop struct {
	cfg     Config
	target  target
	epoll   int
	streams []*stream
	idle    []*stream
	byFD    map[int32]*stream
	report  *Report

	begin    time.Time
	sent     int         // requests taken from the total
	ended    int         // requests that came to an end
	due      []time.Time // open loop: due, but no connection free
	nextDue  time.Time   // open loop: when the next one is due
	arrivals *rand.Rand
	swept    time.Time // when timeouts were last looked for
}

func (l *loop) run(ctx context.Context) error {
	events := make([]unix.EpollEvent, 256)
	buffer := make([]byte, 256<<10)
	for l.ended < l.cfg.Requests {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("load: %w", err)
		}
		now := time.Now()
		if l.left(now) <= 0 {
			l.cut(now)
			return nil
		}
		if err := l.start(now); err != nil {
			return err
		}
		n, err := unix.EpollWait(l.epoll, events, l.waitMs(now))
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("load: wait for events: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			if s := l.byFD[event.Fd]; s != nil {
				s.ready(event.Events, buffer)
			}
		}
		l.sweep(time.Now())
	}
	return nil
}

// left is how much of the window is left.
func (l *loop) left(now time.Time) time.Duration {
	if l.cfg.Window == 0 {
		return time.Hour
	}
	return l.cfg.Window - now.Sub(l.begin)
}

// cut ends what is under way.
func (l *loop) cut(now time.Time) {
	for _, s := range l.streams {
		if s.busy {
			s.hangUp()
			s.generation.Cut, s.generation.End = true, now
			l.finish(s)
		}
	}
}

// start sends what is due now and has a connection.
func (l *loop) start(now time.Time) error {
	select {
	case <-l.cfg.Stop:
		if l.sent > 0 {
			l.due, l.cfg.Requests = nil, l.sent
			return nil
		}
	default:
	}
	if l.cfg.Rate == 0 {
		for len(l.idle) > 0 && l.sent < l.cfg.Requests {
			l.send(now)
		}
		return nil
	}
	for l.sent+len(l.due) < l.cfg.Requests && !l.nextDue.After(now) {
		if len(l.due) == dueRequests {
			return fmt.Errorf("load: %d requests wait for a connection: use more streams or a lower rate", dueRequests)
		}
		l.due = append(l.due, l.nextDue)
		gap := l.arrivals.ExpFloat64() / l.cfg.Rate
		l.nextDue = l.nextDue.Add(time.Duration(gap * float64(time.Second)))
	}
	for len(l.idle) > 0 && len(l.due) > 0 {
		l.send(l.due[0])
		l.due = l.due[1:]
	}
	return nil
}

// send gives the next request to an idle connection.
func (l *loop) send(due time.Time) {
	s := l.idle[len(l.idle)-1]
	l.idle = l.idle[:len(l.idle)-1]
	n := l.sent
	l.sent++
	body, err := l.cfg.Request.body(n, l.target.chat)
	if err != nil {
		panic("load: request does not encode") // plain fields always do
	}
	s.begin(due, l.target.message(body, l.cfg.APIKey, l.cfg.Header))
}

// waitMs is how long to sleep at most: up to the next request due or the window's
// end, and often enough to see timeouts and a cancelled context.
func (l *loop) waitMs(now time.Time) int {
	longest := min(100, l.left(now).Milliseconds()+1)
	if l.cfg.Rate == 0 || len(l.idle) == 0 || l.sent+len(l.due) >= l.cfg.Requests {
		return int(longest)
	}
	return int(min(longest, max(0, l.nextDue.Sub(now).Milliseconds())))
}

// sweep ends the requests that have had no byte for too long.
func (l *loop) sweep(now time.Time) {
	if now.Sub(l.swept) < 100*time.Millisecond {
		return
	}
	l.swept = now
	for _, s := range l.streams {
		if s.busy && now.Sub(s.progress) > l.cfg.Timeout {
			s.broken(fmt.Errorf("nothing came for %v", l.cfg.Timeout))
		}
	}
}

// finish takes over the generation of a stream and its connection.
func (l *loop) finish(s *stream) {
	g := s.generation
	if g.Frames > 0 {
		record(l.report.FirstToken, g.First.Sub(g.Due))
	}
	l.report.Generations = append(l.report.Generations, g)
	l.ended++
	s.busy = false
	l.idle = append(l.idle, s)
}

func (l *loop) close() {
	for _, s := range l.streams {
		s.hangUp()
	}
	unix.Close(l.epoll)
}

// processCPU is this process's CPU time so far.
func processCPU() time.Duration {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
