package llama

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/split"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// desks is where texts are tokenised: at most as many calls into the library
// at once as there are desks, so that the cores of a decode are left alone.
//
// A desk is taken for one piece of a text. Long texts queue for a turn first,
// of which there are as many as desks, so at each desk a short text has one
// piece of a long one in front of it and one in the queue, however many long
// texts there are. Texts of the background queue for a turn of their own before
// all that, of which there is one. Each queue is in order.
//
// Who is at a desk keeps others from it, and so does what he does there in the
// class of the desks' group, not in that of the background.
type desks struct {
	free   chan *desk // closed when the model is
	long   chan struct{}
	behind chan struct{}
	group  *ggroup.Group // that calls are made in, if not nil
}

// queueing is which queues a text waits in.
type queueing struct{ long, behind bool }

// desk is a stack, and the room for what a call gives.
type desk struct {
	group *ggroup.Group // that calls are made in, if not nil
	stack *sys.Stack
	out   []int32
}

func newDesks(n int, group *ggroup.Group) (*desks, error) {
	if n < 0 {
		return nil, fmt.Errorf("Tokenizers is %d; it must not be negative", n)
	}
	setDefault(&n, SpareCores(0))
	d := &desks{free: make(chan *desk, n), long: make(chan struct{}, n), behind: make(chan struct{}, 1), group: group}
	for made := range n {
		stack, err := sys.NewStack(split.StackBytes)
		if err != nil {
			d.close(made)
			return nil, err
		}
		d.free <- &desk{group: group, stack: stack}
	}
	return d, nil
}

// take waits for a desk.
func (d *desks) take(ctx context.Context, q queueing) (*desk, error) {
	if err := q.wait(ctx, d); err != nil {
		return nil, err
	}
	free, err := d.wait(ctx)
	if err != nil {
		q.leave(d)
	}
	return free, err
}

// wait waits for the turns before a desk's.
func (q queueing) wait(ctx context.Context, d *desks) error {
	if q.behind {
		select {
		case d.behind <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if q.long {
		select {
		case d.long <- struct{}{}:
		case <-ctx.Done():
			queueing{behind: q.behind}.leave(d)
			return ctx.Err()
		}
	}
	return nil
}

// leave gives back the turns that wait took.
func (q queueing) leave(d *desks) {
	if q.long {
		<-d.long
	}
	if q.behind {
		<-d.behind
	}
}

func (d *desks) wait(ctx context.Context) (free *desk, err error) {
	select {
	case free = <-d.free:
	default: // in two steps: the first is all that a short text needs, most often
		select {
		case free = <-d.free:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if free == nil {
		return nil, engine.ErrClosed
	}
	return free, nil
}

// leave gives back what take took.
func (d *desks) leave(free *desk, q queueing) {
	d.free <- free
	q.leave(d)
}

// close waits for the calls under way at n desks, which are all, frees their
// stacks and turns away who waits.
func (d *desks) close(n int) {
	for range n {
		(<-d.free).stack.Close()
	}
	close(d.free)
}

// call gives the tokens of raw text, good until the next call.
func (d *desk) call(m *model, text string) []engine.Token {
	const around = 8 // tokens around a text, and of a space before it
	if need := len(text) + around; len(d.out) < need {
		d.out = make([]int32, need)
	}
	n := d.tokenize(m, text)
	if n < 0 { // a normaliser made the text longer
		d.out = make([]int32, -n)
		n = d.tokenize(m, text)
	}
	if len(text) > deepBytes {
		d.stack.Trim()
	}
	return unsafe.Slice((*engine.Token)(unsafe.SliceData(d.out)), max(0, n))
}

// tokenize fills d.out, and returns the number of tokens, or less than 0: as many
// are needed.
func (d *desk) tokenize(m *model, text string) int {
	if len(text) < longBytes {
		return int(d.stack.Tokenize(m.lib.c, m.vocab, text, d.out))
	}
	n := 0 // the closure's, so that a short text makes none
	within(d.group, func() { n = int(d.stack.Tokenize(m.lib.c, m.vocab, text, d.out)) })
	return n
}

// longBytes of text take so long that Go's monitor would take the processor of the
// call, and with it another thread, to the decode's cost. To say that the call
// computes costs more than a short one takes.
const longBytes = 4 << 10

// deepBytes of text use no more of a stack than it keeps.
const deepBytes = 512
