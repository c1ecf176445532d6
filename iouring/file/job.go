package file

import (
	"context"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/ring"
)

// job is one Read: what is left to be cut into pieces, and how it ends.
// The pieces are cut by the ring's thread alone, or under mu by the goroutines
// of the fallback.
type job struct {
	reader           *Reader
	buffered, direct int // descriptors; direct is -1 without O_DIRECT

	mu   sync.Mutex
	off  int64
	at   int
	left int
	err  error

	live      int // pieces with a request, counted by the ring's thread
	pieces    []piece
	doneBytes atomic.Int64
	stop      atomic.Bool
	done      chan struct{}
}

// cut makes p the next piece; false if nothing is left.
func (j *job) cut(p *piece) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.left == 0 || j.stop.Load() {
		return false
	}
	p.job, p.off, p.at = j, j.off, j.at
	p.n = min(j.left, j.reader.config.PieceBytes)
	p.direct = j.direct >= 0
	if odd := int(j.off % directAlignBytes); p.direct && odd != 0 {
		p.n, p.direct = min(p.n, directAlignBytes-odd), false // up to the first boundary
	} else if p.direct && p.n%directAlignBytes != 0 {
		if whole := p.n &^ (directAlignBytes - 1); whole > 0 {
			p.n = whole
		} else {
			p.direct = false
		}
	}
	j.off += int64(p.n)
	j.at += p.n
	j.left -= p.n
	return true
}

func (j *job) fail(err error) {
	j.mu.Lock()
	if j.err == nil {
		j.err = err
	}
	j.mu.Unlock()
	j.stop.Store(true)
}

func (j *job) stopped() bool { return j.stop.Load() }

// OnRing implements ring.Task: it begins, with Depth reads.
func (j *job) OnRing(r *ring.Ring) {
	j.pieces = make([]piece, j.reader.config.Depth)
	j.live = 1 // holds the job open until all have begun
	for i := range j.pieces {
		p := &j.pieces[i]
		p.Owner = p
		if !j.cut(p) {
			break
		}
		j.live++
		r.Restart(&p.Op)
	}
	j.finish()
}

// finish takes one piece off, and ends the job with the last.
func (j *job) finish() {
	if j.live--; j.live == 0 {
		close(j.done)
	}
}

// jobCancellation is a job seen as the task of calling it off.
type jobCancellation job

func (c *jobCancellation) OnRing(r *ring.Ring) {
	j := (*job)(c)
	j.stop.Store(true) // before the cancellations, or a piece that completes begins anew
	for i := range j.pieces {
		if p := &j.pieces[i]; !p.Idle() {
			r.CancelNow(&p.Op)
		}
	}
}

// run does the job on the ring and waits.
func (j *job) run(ctx context.Context, progress func(int64)) error {
	if err := j.reader.ring.Post(j); err != nil {
		return err
	}
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	cancelled := ctx.Done()
	for {
		select {
		case <-j.done:
			report(progress, j.doneBytes.Load())
			return j.result(ctx)
		case <-cancelled:
			cancelled = nil
			if err := j.reader.ring.Post((*jobCancellation)(j)); err != nil {
				return err
			}
		case <-tick.C:
			report(progress, j.doneBytes.Load())
		}
	}
}

// result is ctx's error only if it kept something from being read.
func (j *job) result(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stop.Load() && ctx.Err() != nil {
		return ctx.Err()
	}
	return j.err
}

func report(progress func(int64), doneBytes int64) {
	if progress != nil {
		progress(doneBytes)
	}
}

// pread does the job without io_uring: Depth goroutines, or as many as there
// are pieces.
func (j *job) pread(ctx context.Context, progress func(int64)) error {
	defer context.AfterFunc(ctx, func() { j.stop.Store(true) })()
	var wg sync.WaitGroup
	for range min(j.reader.config.Depth, j.left/j.reader.config.PieceBytes+1) {
		wg.Go(func() {
			var p piece
			for j.cut(&p) {
				j.preadPiece(&p)
			}
		})
	}
	go func() { wg.Wait(); close(j.done) }()
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-j.done:
			report(progress, j.doneBytes.Load())
			return j.result(ctx)
		case <-tick.C:
			report(progress, j.doneBytes.Load())
		}
	}
}

func (j *job) preadPiece(p *piece) {
	for p.n > 0 && !j.stopped() {
		fd := j.buffered
		if p.direct {
			fd = j.direct
		}
		n, err := unix.Pread(fd, j.reader.arena.bytes[p.at:p.at+p.n], p.off)
		switch {
		case err == unix.EINTR:
		case err == unix.EINVAL && p.direct:
			p.direct = false
		case err != nil:
			j.fail(os.NewSyscallError("pread", err))
		case n == 0:
			j.fail(io.ErrUnexpectedEOF)
		default:
			p.advance(n)
			j.doneBytes.Add(int64(n))
		}
	}
}
