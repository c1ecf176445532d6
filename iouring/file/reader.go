package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/iouring/internal/ring"
	"github.com/weirgo/weir/iouring/internal/sys"
)

// Config bounds a Reader. The zero value takes the defaults.
type Config struct {
	// PieceBytes is the size of one read (default 1 MiB), a multiple of 4096.
	PieceBytes int
	// Depth is how many reads are in flight (default 16).
	Depth int
	// Buffered reads through the page cache instead of O_DIRECT.
	Buffered bool
	// Backend chooses who reads, as for iouring.Listen; the fallback is pread
	// from Depth goroutines.
	Backend probe.Backend
}

// progressInterval is how often Read reports how far it is.
const progressInterval = 50 * time.Millisecond

// directAlignBytes is what O_DIRECT asks of offsets, lengths and addresses on
// every disk in use (512 is possible, 4096 always right).
const directAlignBytes = 4096

// Reader reads large parts of files into an Arena with many reads in
// flight, past the page cache where the file system allows it. It has a ring
// thread of its own. One Read goes at a time; others wait for it. The zero Reader
// is a closed one.
type Reader struct {
	config     Config
	arena      *Arena
	ring       *ring.Ring // nil: preads
	registered bool
	turn       chan struct{} // who has put something in has the next
	closed     bool          // of who has the turn
}

// NewReader makes a reader into arena, which cannot be closed before it. The
// arena must be open, and PieceBytes and Depth in their ranges. Where io_uring,
// or a limit of the process, does not allow a ring, pread takes its place, and
// one log line a process says why; with BackendURing that is an error.
func NewReader(arena *Arena, cfg Config) (*Reader, error) {
	if cfg.PieceBytes == 0 {
		cfg.PieceBytes = 1 << 20
	}
	if cfg.Depth == 0 {
		cfg.Depth = 16
	}
	if cfg.PieceBytes < directAlignBytes || cfg.PieceBytes%directAlignBytes != 0 || cfg.Depth < 1 || cfg.Depth > 1024 {
		return nil, fmt.Errorf("file: make file reader: pieces of %d bytes, %d in flight: want a multiple of %d, 1 to 1024",
			cfg.PieceBytes, cfg.Depth, directAlignBytes)
	}
	if arena == nil || !arena.acquire() {
		return nil, fmt.Errorf("file: make file reader: arena: %w", fs.ErrClosed)
	}
	f := &Reader{config: cfg, arena: arena, turn: make(chan struct{}, 1)}
	if err := f.start(); err != nil {
		arena.release()
		return nil, err
	}
	return f, nil
}

// start starts the reader's ring, if it is to have one.
func (f *Reader) start() error {
	choice, err := probe.Choose(f.config.Backend, probe.Shared)
	if err == nil && choice.URing {
		f.ring, err = ring.Start(ring.Config{Entries: 256, Completions: 2048, Queue: 256, Ops: 1024, Buffers: 2, BufferBytes: 64})
		choice, err = choice.OrNet(err)
	}
	if err != nil {
		return err
	}
	choice.LogFallback(slog.Default(), probe.ForFiles)
	f.registered = f.ring != nil && f.register()
	return nil
}

// register registers the arena; without the right to lock so much memory
// (RLIMIT_MEMLOCK) reads go to it unregistered.
func (f *Reader) register() bool {
	r := &bufferRegistration{iovecs: f.arena.iovecs(), done: make(chan error, 1)}
	if err := f.ring.Post(r); err != nil {
		return false
	}
	return <-r.done == nil
}

// bufferRegistration is a task because a single-issuer ring refuses other
// threads.
type bufferRegistration struct {
	iovecs []unix.Iovec
	done   chan error
}

func (b *bufferRegistration) OnRing(r *ring.Ring) { b.done <- r.RegisterBuffers(b.iovecs) }

// Registered reports whether the arena is registered with the kernel.
func (f *Reader) Registered() bool { return f.registered }

// Close ends the reader's thread, after the Read that goes on. To close it again
// does nothing.
func (f *Reader) Close() error {
	if f.turn == nil {
		return nil
	}
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if f.closed {
		return nil
	}
	f.closed = true
	if f.ring != nil {
		f.ring.Close()
	}
	f.arena.release()
	return nil
}

// Read fills arena.Bytes()[at:at+n] with n bytes of file from offset off. It
// calls progress, if given, on its own goroutine about every 50 ms and at the
// end, with the bytes read so far. When ctx is done it calls off what is in
// flight, waits for that, and returns ctx's error; the memory then holds parts.
// A file that ends early gives io.ErrUnexpectedEOF, a closed reader fs.ErrClosed;
// a pipe, socket, terminal or directory is refused.
//
// O_DIRECT is used for whole pieces whose offset agrees with at modulo 4096;
// the rest, and file systems without it, go through the page cache.
func (f *Reader) Read(ctx context.Context, path string, off int64, at, n int, progress func(doneBytes int64)) error {
	if f.turn == nil {
		return fmt.Errorf("file: read %s: %w", path, fs.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.turn }()
	size := len(f.arena.bytes)
	switch {
	case f.closed:
		return fmt.Errorf("file: read %s: %w", path, fs.ErrClosed)
	case off < 0 || at < 0 || n < 0 || at > size || n > size-at:
		return fmt.Errorf("file: read %s: %d bytes to %d: outside the arena of %d bytes", path, n, at, size)
	}
	file, err := openFile(path)
	if err != nil {
		return fmt.Errorf("file: read: %w", err)
	}
	defer file.Close()
	j := &job{reader: f, buffered: int(file.Fd()), direct: -1, off: off, at: at, left: n, done: make(chan struct{})}
	if !f.config.Buffered && (off-int64(at))%directAlignBytes == 0 {
		if direct, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECT, 0); err == nil {
			defer direct.Close()
			j.direct = int(direct.Fd())
		} else if !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("file: read: %w", err)
		}
	}
	if f.ring == nil {
		err = j.pread(ctx, progress)
	} else {
		err = j.run(ctx, progress)
	}
	runtime.KeepAlive(f.arena)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("file: read %s: %w", path, err)
	}
	return err
}

// openFile opens what can be read at an offset. A pipe does not make it wait for a
// writer, hence O_NONBLOCK.
func openFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeCharDevice|fs.ModeDir) != 0 {
		err = &fs.PathError{Op: "read", Path: path, Err: unix.ESPIPE}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// piece is a part of a job: one read, continued if the kernel reads short.
type piece struct {
	ring.Op
	job    *job
	off    int64
	at, n  int
	direct bool
}

// Prepare implements ring.Owner.
func (p *piece) Prepare(_ *ring.Op, e *sys.SQE) {
	fd := p.job.buffered
	if p.direct {
		fd = p.job.direct
	}
	arena := p.job.reader.arena.bytes
	n := p.n
	if p.job.reader.registered {
		index := p.at / registeredLimitBytes
		n = min(n, (index+1)*registeredLimitBytes-p.at) // one registered buffer a read
		e.ReadFixed(fd, unsafe.Pointer(&arena[p.at]), n, p.off, uint16(index))
		return
	}
	e.Read(fd, unsafe.Pointer(&arena[p.at]), n, p.off)
}

// Complete implements ring.Owner.
func (p *piece) Complete(r *ring.Ring, _ *ring.Op, res int32, _ uint32, _ bool) {
	j := p.job
	switch {
	case res > 0:
		p.advance(int(res))
		j.doneBytes.Add(int64(res))
	case res == 0:
		j.fail(io.ErrUnexpectedEOF)
	case unix.Errno(-res) == unix.EINTR, unix.Errno(-res) == unix.EAGAIN:
	case unix.Errno(-res) == unix.EINVAL && p.direct:
		p.direct = false // the file system takes O_DIRECT at open and refuses it here
	default:
		j.fail(os.NewSyscallError("read", unix.Errno(-res)))
	}
	if j.stopped() || p.n == 0 && !j.cut(p) {
		j.finish()
		return
	}
	r.Restart(&p.Op)
}

func (p *piece) advance(n int) {
	p.off += int64(n)
	p.at += n
	p.n -= n
	// A short direct read, at the end of a file, leaves what is not aligned.
	p.direct = p.direct && p.off%directAlignBytes == 0 && p.n%directAlignBytes == 0
}
