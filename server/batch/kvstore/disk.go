package kvstore

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
)

// disk is the directory, and the two goroutines that write and read there.
type disk struct {
	dir  *slotfile.Dir
	lock io.Closer
	wake func()

	mu      sync.Mutex
	done    []outcome
	writes  []writing
	chores  []chore
	closing bool

	ready atomic.Bool   // there is something in done
	work  chan struct{} // has one: the writer has something to do
	reads chan reading
	ended sync.WaitGroup
	over  chan struct{} // closed when both goroutines have ended
}

// background is the writer's group, of all stores: nobody waits for what it does, and
// sums of gigabytes take time. It is nil, and the group that of who opens the store,
// where there can be no more groups.
var background = sync.OnceValue(func() *ggroup.Group {
	group, err := ggroup.Open("states", ggroup.WithClass(ggroup.Background))
	if err != nil {
		return nil
	}
	return group
})

// writing is a file to write; reading is one to read.
type writing struct {
	entry          *entry
	name, identity string
	tokens         []engine.Token
	state          []byte
}

type reading struct {
	entry *entry
	name  string
	want  slotfile.Expect
}

// chore is a file to remove, or to be the one used last.
type chore struct {
	name   string
	remove bool
}

// mostTouches is how many chores wait before files are not touched any more.
const mostTouches = 1024

// outcome is what became of a writing or, with a slot or as it says, of a reading.
type outcome struct {
	entry *entry
	read  bool
	name  string         // of the file that was written
	slot  *slotfile.Slot // that was read
	took  time.Duration
	err   error
}

func newDisk(dir *slotfile.Dir, lock io.Closer, wake func()) *disk {
	d := &disk{
		dir: dir, lock: lock, wake: wake,
		work: make(chan struct{}, 1), reads: make(chan reading, fetchLimit), over: make(chan struct{}),
	}
	d.ended.Add(1)
	ggroup.BindTo(background(), func() {
		defer d.ended.Done()
		d.writeAll()
	})
	d.ended.Go(d.readAll)
	go func() {
		d.ended.Wait()
		close(d.over)
	}()
	return d
}

// stop has the goroutines end when they have done what there is, and reports whether
// they have within a time.
func (d *disk) stop(within time.Duration) bool {
	d.mu.Lock()
	d.closing = true
	d.mu.Unlock()
	d.hurry()
	close(d.reads)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-d.over:
		return true
	case <-timer.C:
	}
	d.mu.Lock()
	d.writes = nil // what has not begun
	d.mu.Unlock()
	return false
}

// hurry tells the writer that it has something to do.
func (d *disk) hurry() {
	select {
	case d.work <- struct{}{}:
	default:
	}
}

func (d *disk) write(w writing) {
	d.mu.Lock()
	d.writes = append(d.writes, w)
	d.mu.Unlock()
	d.hurry()
}

// read never waits: the channel has room for fetchLimit.
func (d *disk) read(e *entry, name string, want slotfile.Expect) { d.reads <- reading{e, name, want} }

func (d *disk) remove(name string) { d.chore(chore{name, true}) }

func (d *disk) touch(name string) { d.chore(chore{name, false}) }

func (d *disk) chore(c chore) {
	d.mu.Lock()
	if c.remove || len(d.chores) < mostTouches {
		d.chores = append(d.chores, c)
	}
	d.mu.Unlock()
	d.hurry()
}

// writeAll is the writer.
func (d *disk) writeAll() {
	for range d.work {
		for d.writeNext() {
		}
		d.mu.Lock()
		over := d.closing && len(d.writes) == 0 && len(d.chores) == 0
		d.mu.Unlock()
		if over {
			return
		}
	}
}

// writeNext does all chores, so that there is room, and writes a file. It reports false
// if there was none.
func (d *disk) writeNext() bool {
	d.mu.Lock()
	chores := d.chores
	d.chores = nil
	var w writing
	some := len(d.writes) > 0
	if some {
		w = d.writes[0]
		d.writes = d.writes[1:]
	}
	d.mu.Unlock()
	for _, c := range chores {
		// A file that stays is found by the next process, and counted there.
		if c.remove {
			_ = d.dir.Remove(c.name)
		} else {
			_ = d.dir.Touch(c.name)
		}
	}
	if !some {
		return len(chores) > 0
	}
	begin := time.Now()
	_, err := d.dir.Write(w.name, w.identity, w.tokens, w.state)
	d.tell(outcome{entry: w.entry, name: w.name, took: time.Since(begin), err: err})
	return true
}

// readAll is the reader.
func (d *disk) readAll() {
	for r := range d.reads {
		begin := time.Now()
		slot, err := d.dir.Read(r.name, r.want)
		d.tell(outcome{entry: r.entry, read: true, slot: slot, took: time.Since(begin), err: err})
	}
}

func (d *disk) tell(o outcome) {
	d.mu.Lock()
	d.done = append(d.done, o)
	d.mu.Unlock()
	d.ready.Store(true)
	d.wake()
}

// take gives what has been told since the last time.
func (d *disk) take() []outcome {
	d.ready.Store(false) // before the look: who tells meanwhile sets it again
	d.mu.Lock()
	defer d.mu.Unlock()
	done := d.done
	d.done = nil
	return done
}
