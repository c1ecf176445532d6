package logsink

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/sched/mailbox"
)

// Bounds of a sink that names none.
const (
	// DefaultLines lasts for four seconds of a thousand lines a second, longer
	// than a log collector takes to restart.
	DefaultLines = 4096
	// DefaultBytes gives each of them 256 bytes, which is what a line about a
	// request has.
	DefaultBytes = 1 << 20
)

const (
	// chunkBytes is the kernel's PIPE_BUF: a write of no more to a pipe is not
	// torn by the writes of other processes. A longer line goes alone.
	chunkBytes = 4096
	// keptBytes is the longest buffer that waits for another line: the queue's
	// lines then hold a few times Config.Bytes at most, whatever came before.
	keptBytes = 1 << 10
)

// Config bounds a sink.
type Config struct {
	Lines int // lines that wait to be written, at most; rounded up to a power of two. Default DefaultLines
	Bytes int // their bytes together, at most. Default DefaultBytes
	// Group is where the sink's goroutine runs, one of class Background for
	// instance. Default: that of who calls Open.
	Group *ggroup.Group
	// Note appends the line that stands where lines were lost. The default is
	// in the form of slog.TextHandler.
	Note func(dst []byte, lost uint64) []byte
}

func (c Config) withDefaults() Config {
	if c.Lines <= 0 {
		c.Lines = DefaultLines
	}
	if c.Bytes <= 0 {
		c.Bytes = DefaultBytes
	}
	if c.Note == nil {
		c.Note = appendNote
	}
	return c
}

// A Sink takes lines and has one goroutine write them. Write, Dropped and Close
// may be called from any goroutine.
type Sink struct {
	w     io.Writer
	cfg   Config
	queue *mailbox.Queue[*line]
	cell  *mailbox.Cell // where the writing goroutine sleeps
	spare sync.Pool     // of *line

	bytes   atomic.Int64  // of lines in the queue and in the chunk
	dropped atomic.Uint64 // lines lost in all
	missing atomic.Uint64 // lines lost for want of room since the last one that found some

	closing   atomic.Bool   // Close was called: end when the queue is empty
	abandoned atomic.Bool   // its time is over: write no more
	done      chan struct{} // closed by the writing goroutine at its end

	chunk chunk // the writing goroutine's
}

// A line waits in the queue.
type line struct {
	text    []byte
	missing uint64 // lines that were lost just before it
}

// A chunk is whole lines that are written at once.
type chunk struct {
	text  []byte
	lines uint64 // that count as lost if it cannot be written
	bytes int64  // of these lines
	owed  uint64 // lost lines that no line written so far tells of
}

// Open starts a sink that writes to w, which it does not close. No one else
// should write to w meanwhile. It panics if the config's group is closed.
func Open(w io.Writer, cfg Config) *Sink {
	cfg = cfg.withDefaults()
	s := &Sink{
		w:     w,
		cfg:   cfg,
		queue: mailbox.NewQueue[*line](cfg.Lines),
		cell:  mailbox.NewCell(),
		done:  make(chan struct{}),
		chunk: chunk{text: make([]byte, 0, chunkBytes)},
	}
	s.spare.New = func() any { return new(line) }
	if cfg.Group != nil {
		ggroup.BindTo(cfg.Group, s.run)
	} else {
		go s.run()
	}
	return s
}

// Write takes a copy of p, one or several whole lines, to be written later. It
// never blocks, takes no lock that the writing goroutine holds, and never
// fails: without room p is lost and counted as one line.
func (s *Sink) Write(p []byte) (int, error) {
	if s.closing.Load() {
		s.dropped.Add(1)
		return len(p), nil
	}
	n := int64(len(p))
	if s.bytes.Add(n) > int64(s.cfg.Bytes) {
		s.lose(n, 0)
		return len(p), nil
	}
	l := s.spare.Get().(*line)
	l.text = append(l.text[:0], p...)
	l.missing = s.missing.Swap(0)
	if !s.queue.Push(l) {
		s.lose(n, l.missing)
		s.recycle(l)
		return len(p), nil
	}
	s.cell.Wake() // after Push: who is about to sleep looks at the queue once more
	return len(p), nil
}

// lose counts a line of n bytes that found no room, and takes back what it
// should have told.
func (s *Sink) lose(n int64, told uint64) {
	s.bytes.Add(-n)
	s.dropped.Add(1)
	s.missing.Add(told + 1)
	s.cell.Wake() // after Add: a line too long for the sink finds it asleep
}

func (s *Sink) recycle(l *line) {
	if cap(l.text) <= keptBytes {
		s.spare.Put(l)
	}
}

// Dropped returns how many lines were lost since Open: for want of room, by
// writes that failed, or because the sink was closed. A line that was written
// in part counts.
func (s *Sink) Dropped() uint64 { return s.dropped.Load() }

// Close writes the lines that wait and ends the sink; what is written to it
// afterwards is lost. If ctx ends first, what is left is lost and an error says
// so; a write that then still waits is cut short where w has SetWriteDeadline,
// as a pipe of Reopen has, and is left behind elsewhere. Lines that could not be
// written are no error of Close.
func (s *Sink) Close(ctx context.Context) error {
	s.closing.Store(true)
	s.cell.Wake()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	// Before the write is cut short: the goroutine that comes out of it must
	// not begin another one.
	s.abandoned.Store(true)
	before := s.dropped.Load()
	if w, ok := s.w.(interface{ SetWriteDeadline(time.Time) error }); ok && w.SetWriteDeadline(time.Unix(1, 0)) == nil {
		<-s.done
		if s.dropped.Load() == before {
			return nil // the last line was just being written
		}
	}
	return fmt.Errorf("logsink: close: lines are left unwritten: %w", context.Cause(ctx))
}

// run is the writing goroutine.
func (s *Sink) run() {
	defer close(s.done)
	for {
		// Before the look at the queue: what was written before Close is then
		// seen by the look that follows, so nothing is left behind.
		closing := s.closing.Load()
		if l, ok := s.queue.Pop(); ok {
			s.add(l)
			continue
		}
		switch {
		case s.chunk.lines > 0:
			s.flush()
		case s.missing.Load() > 0:
			s.owe(s.missing.Swap(0))
			s.flush()
		case closing:
			return
		default:
			s.sleep()
		}
	}
}

// sleep waits for a line, a loss or Close. Who brings one of them makes it
// visible before the Wake, and this looks after the Prepare: one sees the other.
func (s *Sink) sleep() {
	s.cell.Prepare()
	if !s.queue.Empty() || s.closing.Load() || s.missing.Load() > 0 {
		s.cell.Stop()
		return
	}
	s.cell.Wait()
}

// add appends l to the chunk, having written the chunk if l has no place in it.
func (s *Sink) add(l *line) {
	c := &s.chunk
	if c.lines > 0 && (l.missing > 0 || len(c.text)+len(l.text) > chunkBytes) {
		s.flush()
	}
	if c.lines == 0 {
		s.owe(l.missing)
	}
	c.text = append(c.text, l.text...)
	c.lines++
	c.bytes += int64(len(l.text))
	s.recycle(l)
}

// owe begins a chunk, with a note if lines are missing before it.
func (s *Sink) owe(missing uint64) {
	c := &s.chunk
	c.owed += missing
	if c.owed > 0 {
		c.text = s.cfg.Note(c.text, c.owed)
	}
}

// flush writes the chunk and begins the next one.
func (s *Sink) flush() {
	c := &s.chunk
	if s.write(c.text) {
		c.owed = 0
	} else {
		s.dropped.Add(c.lines)
		c.owed += c.lines
	}
	s.bytes.Add(-c.bytes)
	c.text, c.lines, c.bytes = c.text[:0], 0, 0
	if cap(c.text) > 2*chunkBytes { // a long line was in it
		c.text = make([]byte, 0, chunkBytes)
	}
}

func (s *Sink) write(text []byte) bool {
	if s.abandoned.Load() {
		return false
	}
	_, err := s.w.Write(text)
	return err == nil
}

// appendNote appends the line that stands where lines were lost.
func appendNote(dst []byte, lost uint64) []byte {
	dst = append(dst, "time="...)
	dst = time.Now().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	dst = append(dst, ` level=WARN msg="log lines lost: read them faster, or log less" lines=`...)
	dst = strconv.AppendUint(dst, lost, 10)
	return append(dst, '\n')
}
