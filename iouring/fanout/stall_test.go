package fanout

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/sched/mailbox"
)

// stuckWriter is a client that takes room bytes and no more: a Write beyond waits
// for the write deadline, as on a socket.
type stuckWriter struct {
	header http.Header

	mu       sync.Mutex
	room     int
	deadline time.Time
	moved    chan struct{} // closed when deadline or room changes
}

func newStuckWriter(room int) *stuckWriter {
	return &stuckWriter{header: http.Header{}, room: room, moved: make(chan struct{})}
}

func (w *stuckWriter) Header() http.Header { return w.header }
func (w *stuckWriter) WriteHeader(int)     {}

func (w *stuckWriter) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.moved)
	w.moved = make(chan struct{})
}

func (w *stuckWriter) SetWriteDeadline(t time.Time) error {
	w.change(func() { w.deadline = t })
	return nil
}

// FlushError implements what http.ResponseController.Flush calls.
func (w *stuckWriter) FlushError() error { _, err := w.Write(nil); return err }

func (w *stuckWriter) Write(p []byte) (int, error) {
	for {
		w.mu.Lock()
		room, left, moved := w.room, time.Until(w.deadline), w.moved
		if room >= len(p) {
			w.room -= len(p)
			w.mu.Unlock()
			return len(p), nil
		}
		w.mu.Unlock()
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		select {
		case <-moved:
		case <-time.After(left):
		}
	}
}

const testDropAfter = time.Minute

// openStuck opens a stream whose client takes room bytes of the body, if Serve
// runs.
func openStuck(t *testing.T, f *FanOut, room int, told *mailbox.Entry) *Stream {
	t.Helper()
	s, err := f.Open(newStuckWriter(room), httptest.NewRequest("GET", "/", nil), told)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func frames(t *testing.T, s *Stream, n int) {
	t.Helper()
	for range n {
		if err := s.Append([]byte("frame")); err != nil {
			t.Fatal(err)
		}
	}
}

// begin is what the beginning of a send does.
func begin(s *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending, s.pending = append(s.sending[s.sent:], s.pending...), nil
	s.sent = 0
}

// take is what a send's completion does.
func take(s *Stream, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent += n
	s.took(n)
}

func TestStalledStreamIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOn(nil, Config{DropAfter: testDropAfter})
		feed, told := mailbox.NewFeed(), new(mailbox.Entry)
		told.Init(feed, nil)
		s := openStuck(t, f, 0, told)
		time.Sleep(10 * testDropAfter)
		if err := s.Err(); err != nil {
			t.Fatalf("the clock ran though nothing waited: %v", err)
		}
		frames(t, s, 1) // and no more: it is enough that one waits
		time.Sleep(testDropAfter - 1)
		if err := s.Err(); err != nil {
			t.Fatalf("dropped early: %v", err)
		}
		time.Sleep(2)
		synctest.Wait()
		if err := s.Err(); !errors.Is(err, ErrSlowClient) {
			t.Fatalf("Err %v, want ErrSlowClient", err)
		}
		if len(feed.Take(nil)) != 1 {
			t.Error("nobody was told")
		}
		if err := f.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A source that heeds Ready never meets the limit, however low that is.
func TestReadyEndsBeforeTheLimit(t *testing.T) {
	for _, limit := range []int{1, 10, 1 << 10} {
		s := openStuck(t, newOn(nil, Config{LimitBytes: limit}), 0, nil)
		for n := 0; s.Ready() && n <= limit; n++ {
			frames(t, s, 1)
		}
		if s.Ready() {
			t.Errorf("ready with %d bytes of %d", s.Buffered(), limit)
		}
		s.Abort(nil)
	}
}

// A client that takes all that waits, or progressBytes of it, within DropAfter
// keeps its stream; one that dribbles loses it as one does that takes nothing.
func TestOnlyProgressKeepsAStream(t *testing.T) {
	const step = testDropAfter / 10
	for _, test := range []struct {
		name         string
		frame, taken int // bytes that wait at first, and that are taken at each step
		steps        int // so many it lives at least; ten more it does not
	}{
		{"nothing", 100, 0, 9},
		{"a byte of few", 100, 1, 9},
		{"few, too late", 100, 9, 9},
		{"a byte of many", 8 * progressBytes, 1, 9},
		{"a third of what is progress", 8 * progressBytes, progressBytes / 30, 9},
		{"progress, of many", 8 * progressBytes, progressBytes / 8, 60},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newOn(nil, Config{DropAfter: testDropAfter})
				s := openStuck(t, f, 0, nil)
				if err := s.Append(make([]byte, test.frame)); err != nil {
					t.Fatal(err)
				}
				begin(s)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				for i := range test.steps {
					time.Sleep(step)
					take(s, test.taken)
					synctest.Wait()
					if err := s.Err(); err != nil {
						t.Fatalf("dropped after step %d: %v", i, err)
					}
				}
				for range 10 {
					time.Sleep(step)
					take(s, min(test.taken, 1))
				}
				synctest.Wait()
				if err := s.Err(); !errors.Is(err, ErrSlowClient) {
					t.Fatalf("Err %v, want ErrSlowClient; %d bytes wait", err, s.Buffered())
				}
			})
		})
	}
}

// Whenever in a round the client stops, it is dropped within DropAfter of its last
// progress, and not before 7/8 of that.
func TestDroppedWithinDropAfter(t *testing.T) {
	for moment := range 20 {
		synctest.Test(t, func(t *testing.T) {
			f := newOn(nil, Config{DropAfter: testDropAfter})
			s := openStuck(t, f, 0, nil)
			frames(t, s, 1)
			begin(s)
			time.Sleep(time.Duration(moment) * testDropAfter / 23)
			take(s, 5)
			frames(t, s, 1) // waits from now on
			begin(s)
			begun := time.Now()
			<-s.Done()
			if took := time.Since(begun); took > testDropAfter || took < testDropAfter*7/8 {
				t.Errorf("progress after %d/23 of DropAfter: dropped %v later", moment, took)
			}
		})
	}
}

// Streams of different ages are dropped each in its time, whoever leaves between.
func TestClockKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOn(nil, Config{DropAfter: testDropAfter})
		var all [5]*Stream
		begun := time.Now()
		for i := range all {
			all[i] = openStuck(t, f, 0, nil)
			frames(t, all[i], 2)
			time.Sleep(time.Second)
		}
		for _, i := range []int{0, 2, 4} { // the first, one between, the last
			all[i].Abort(nil)
		}
		for i, left := range []int{1: 1, 3: 0} { // of those that are not aborted
			if i%2 == 0 {
				continue
			}
			time.Sleep(time.Until(begun.Add(testDropAfter + time.Duration(i)*time.Second)))
			synctest.Wait()
			if !errors.Is(all[i].Err(), ErrSlowClient) || f.Len() != left {
				t.Errorf("stream %d: %v, and %d others are left", i, all[i].Err(), f.Len())
			}
		}
		f.clock.mu.Lock()
		defer f.clock.mu.Unlock()
		if f.clock.first != nil || f.clock.last != nil {
			t.Error("the list is not empty")
		}
	})
}

// A write that waits is bounded, and the response is broken off then. What was written before counts as progress.
func TestServeBoundsEachWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOn(nil, Config{DropAfter: testDropAfter})
		s := openStuck(t, f, pieceBytes, nil)
		served := make(chan any, 1)
		go func() {
			defer func() { served <- recover() }()
			_ = s.Serve()
		}()
		if err := s.Append(make([]byte, 2*pieceBytes)); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if got := <-served; got != http.ErrAbortHandler || !errors.Is(s.Err(), ErrSlowClient) {
			t.Errorf("Serve ended with %v, Err is %v", got, s.Err())
		}
		if waited := time.Since(begun); waited > testDropAfter { // of the bubble
			t.Errorf("a write was given %v", waited)
		}
	})
}

// Abort wakes a handler that waits for its client, and Serve breaks the response
// off.
func TestAbortEndsAWaitingServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOn(nil, Config{DropAfter: testDropAfter})
		s := openStuck(t, f, 0, nil)
		panicked := make(chan any, 1)
		go func() {
			defer func() { panicked <- recover() }()
			_ = s.Serve()
		}()
		frames(t, s, 1)
		synctest.Wait() // it waits in Write
		s.Abort(nil)
		synctest.Wait()
		select {
		case got := <-panicked:
			if got != http.ErrAbortHandler {
				t.Errorf("Serve ended with %v", got)
			}
		default:
			t.Error("Serve still waits")
		}
	})
}

// The header of a client that pipelines and does not read is bounded too.
func TestOpenIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOn(nil, Config{DropAfter: testDropAfter})
		w := newStuckWriter(-1)
		if s, err := f.Open(w, httptest.NewRequest("GET", "/", nil), nil); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Open: %v, %v", s, err)
		}
		if err := f.Close(context.Background()); err != nil || f.Len() != 0 {
			t.Errorf("%d streams, %v", f.Len(), err)
		}
	})
}

// Over HTTP/2 a write deadline resets the stream even if nothing is written: none
// is left between two writes.
func TestNoDeadlineBetweenWritesOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOn(nil, Config{DropAfter: testDropAfter})
		w, r := newStuckWriter(1<<20), httptest.NewRequest("GET", "/", nil)
		r.ProtoMajor, r.ProtoMinor = 2, 0
		s, err := f.Open(w, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		go s.Serve()
		for range 3 {
			synctest.Wait() // until Serve waits
			w.mu.Lock()
			if !w.deadline.IsZero() {
				t.Errorf("a deadline is left: %v", w.deadline)
			}
			w.mu.Unlock()
			frames(t, s, 1)
		}
		_ = s.Close()
	})
}
