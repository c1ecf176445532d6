package accesslog

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/internal/logsink"
	"github.com/weirgo/weir/server/record"
)

// Config is how a log writes. The zero value is well.
type Config struct {
	// Stdout is what the path "-" means. Default os.Stdout.
	Stdout *os.File
	// Group is where the goroutine that writes runs. Default: that of who calls Open.
	Group *ggroup.Group
}

// Log writes what it is told of requests. It is safe for concurrent use.
type Log struct {
	out  *output
	sink *logsink.Sink
	room sync.Pool // of *[]byte
}

var _ record.Recorder = (*Log)(nil)

// Open begins a log in the file of a path, at its end, or on standard output for "-".
func Open(path string, cfg Config) (*Log, error) {
	out := &output{path: path}
	if err := out.open(cfg.Stdout); err != nil {
		return nil, err
	}
	l := &Log{out: out, sink: logsink.Open(out, logsink.Config{Group: cfg.Group, Note: appendNote})}
	l.room.New = func() any { return new([]byte) }
	return l, nil
}

// Record implements record.Recorder. It never waits.
func (l *Log) Record(r *record.Request) {
	room := l.room.Get().(*[]byte)
	*room = appendLine((*room)[:0], r)
	_, _ = l.sink.Write(*room) // never fails
	l.room.Put(room)
}

// Dropped is how many lines were lost.
func (l *Log) Dropped() uint64 { return l.sink.Dropped() }

// Reopen goes on in the file that the path names now: the one before was moved away,
// as by logrotate. Lines that wait go there too. With an error, which says what to do,
// the log goes on where it was. Of standard output it does nothing.
func (l *Log) Reopen() error { return l.out.open(nil) }

// Close writes what waits as long as ctx lasts, and closes the file. The error is that
// lines are left; a write may be stuck then, and the file is left with it.
func (l *Log) Close(ctx context.Context) error {
	if err := l.sink.Close(ctx); err != nil {
		return err
	}
	return l.out.close()
}

// output is the file of the moment. Only the sink's goroutine writes: who opens another
// one waits for its disk, and no one else does.
type output struct {
	path string
	mu   sync.Mutex
	file *os.File
}

// fileMode lets who operates the server read what its clients did, and no one else.
const fileMode = 0o640

// open opens the file again, or for the first time.
func (o *output) open(stdout *os.File) error {
	var file *os.File
	var err error
	switch {
	case o.path != "-":
		file, err = os.OpenFile(o.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, fileMode)
	case o.file != nil:
		return nil
	case stdout == nil:
		file, err = logsink.Reopen(os.Stdout)
	default:
		file, err = logsink.Reopen(stdout)
	}
	if err != nil {
		return fmt.Errorf("accesslog: open: %w: name a file that this server may write", err)
	}
	o.mu.Lock()
	before := o.file
	o.file = file
	o.mu.Unlock()
	if before != nil {
		_ = before.Close() // what was written is the kernel's
	}
	return nil
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file.Write(p)
}

func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.file.Close(); err != nil {
		return fmt.Errorf("accesslog: close: %w", err)
	}
	return nil
}
