package logsink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/internal/logsink"
)

// A gate lets one write through for each value it gets, all once it is closed.
type gate struct {
	pass chan struct{}
	out  bytes.Buffer
	err  error // of the writes to come
}

func newGate() *gate { return &gate{pass: make(chan struct{})} }

func (g *gate) Write(p []byte) (int, error) {
	<-g.pass
	if g.err != nil {
		return 0, g.err
	}
	return g.out.Write(p)
}

func note(dst []byte, lost uint64) []byte { return fmt.Appendf(dst, "%d lost\n", lost) }

// say writes each line to s. Inside of a synctest bubble a Write that blocks
// ends the test as a deadlock.
func say(t *testing.T, s *logsink.Sink, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if n, err := io.WriteString(s, l+"\n"); n != len(l)+1 || err != nil {
			t.Fatalf("Write(%q) = %d, %v", l, n, err)
		}
	}
}

func check(t *testing.T, g *gate, s *logsink.Sink, want string, dropped uint64) {
	t.Helper()
	synctest.Wait()
	if got := g.out.String(); got != want {
		t.Errorf("written: %q, want %q", got, want)
	}
	if got := s.Dropped(); got != dropped {
		t.Errorf("Dropped = %d, want %d", got, dropped)
	}
}

// TestFull: what has no room is lost, and a note stands in its place.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := logsink.Open(g, logsink.Config{Lines: 4, Note: note})
		say(t, s, "a")
		synctest.Wait() // a waits in the gate, the queue is empty
		say(t, s, "1", "2", "3", "4", "lost", "lost")
		check(t, g, s, "", 2)
		g.pass <- struct{}{}
		synctest.Wait() // 1 to 4 wait in the gate, the queue is empty
		say(t, s, "5", "6")
		close(g.pass)
		check(t, g, s, "a\n1\n2\n3\n4\n2 lost\n5\n6\n", 2)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestNoteWithoutLinesToCome: the note does not wait for another line.
func TestNoteWithoutLinesToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := logsink.Open(g, logsink.Config{Lines: 2, Note: note})
		say(t, s, "a")
		synctest.Wait()
		say(t, s, "1", "2", "lost")
		close(g.pass)
		check(t, g, s, "a\n1\n2\n1 lost\n", 1)
		s.Close(t.Context())
	})
}

func TestBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		close(g.pass)
		s := logsink.Open(g, logsink.Config{Bytes: 10, Note: note})
		say(t, s, "123456789")
		check(t, g, s, "123456789\n", 0)
		say(t, s, "1234567890")
		check(t, g, s, "123456789\n1 lost\n", 1)

		g.pass = make(chan struct{})
		g.out.Reset()
		say(t, s, "1234", "5678", "9")
		close(g.pass)
		check(t, g, s, "1234\n5678\n1 lost\n", 2)
		say(t, s, "123456789")
		check(t, g, s, "1234\n5678\n1 lost\n123456789\n", 2)
		s.Close(t.Context())
	})
}

// TestFailingWrites: the sink goes on, counts, and tells when it can.
func TestFailingWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		close(g.pass)
		s := logsink.Open(g, logsink.Config{Note: note})
		g.err = syscall.EPIPE
		say(t, s, "a", "b")
		check(t, g, s, "", 2)
		g.err = syscall.EIO
		say(t, s, "c")
		check(t, g, s, "", 3)
		g.err = nil
		say(t, s, "d")
		check(t, g, s, "3 lost\nd\n", 3)
		g.err = syscall.EPIPE
		say(t, s, "e")
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close with a dead reader: %v", err)
		}
		check(t, g, s, "3 lost\nd\n", 4)
	})
}

func TestCloseWritesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := logsink.Open(g, logsink.Config{})
		say(t, s, "a")
		synctest.Wait()
		say(t, s, "b", "c")
		closed := make(chan error)
		go func() { closed <- s.Close(t.Context()) }()
		synctest.Wait()
		say(t, s, "late")
		close(g.pass)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		check(t, g, s, "a\nb\nc\n", 1)
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := logsink.Open(g, logsink.Config{})
		say(t, s, "a")
		synctest.Wait()
		say(t, s, "b", "c")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Close = %v, want it to end with its context", err)
		}
		close(g.pass)
		check(t, g, s, "a\n", 2)
	})
}

// TestWholeLinesAtOnce: lines are written together up to what a pipe takes in
// one piece.
func TestWholeLinesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := logsink.Open(g, logsink.Config{})
		say(t, s, "a")
		synctest.Wait()
		short, long := strings.Repeat("s", 1000), strings.Repeat("l", 5000)
		say(t, s, short, short, short, short, short, long, short)
		want := ""
		for _, chunk := range [][]string{{"a"}, {short, short, short, short}, {short}, {long}, {short}} {
			g.pass <- struct{}{}
			want += strings.Join(chunk, "\n") + "\n"
			check(t, g, s, want, 0)
		}
		s.Close(t.Context())
	})
}

// TestManyWriters: with room for all, every line arrives once, whole, and in
// its writer's order.
func TestManyWriters(t *testing.T) {
	const writers, each = 8, 500
	var out bytes.Buffer
	s := logsink.Open(&out, logsink.Config{Lines: writers * each})
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				fmt.Fprintf(s, "%d %d\n", w, i)
			}
		})
	}
	group.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var next [writers]int
	for l := range strings.Lines(out.String()) {
		var w, i int
		if _, err := fmt.Sscanf(l, "%d %d\n", &w, &i); err != nil || w >= writers || i != next[w] {
			t.Fatalf("%q, %v: want the writers' lines in order", l, err)
		}
		next[w]++
	}
	for w, n := range next {
		if n != each {
			t.Errorf("writer %d: %d lines of %d", w, n, each)
		}
	}
	if n := s.Dropped(); n != 0 {
		t.Errorf("Dropped = %d", n)
	}
}

// TestNothingIsMiscounted: with too little room, the lines that are written and
// the numbers in the notes make up what was logged.
func TestNothingIsMiscounted(t *testing.T) {
	const writers, each = 4, 5000
	var out bytes.Buffer
	s := logsink.Open(&out, logsink.Config{Lines: 2, Note: note})
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				io.WriteString(s, "line\n")
			}
		})
	}
	group.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, lost := 0, 0
	for l := range strings.Lines(out.String()) {
		n := 0
		if l == "line\n" {
			lines++
		} else if _, err := fmt.Sscanf(l, "%d lost\n", &n); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		lost += n
	}
	if lines+lost != writers*each || uint64(lost) != s.Dropped() {
		t.Errorf("%d lines and %d lost of %d, Dropped = %d", lines, lost, writers*each, s.Dropped())
	}
}

func TestGroup(t *testing.T) {
	group := ggroup.New("log", ggroup.WithClass(ggroup.Background))
	var out bytes.Buffer
	s := logsink.Open(&out, logsink.Config{Group: group})
	if n := group.Stats().Goroutines; n != 1 {
		t.Errorf("%d goroutines in the group, want the sink's", n)
	}
	say(t, s, "a")
	if err := s.Close(t.Context()); err != nil || out.String() != "a\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := group.Shutdown(t.Context()); err != nil {
		t.Errorf("the sink's goroutine stays: %v", err)
	}
}

type counted chan struct{}

func (c counted) Write(p []byte) (int, error) { c <- struct{}{}; return len(p), nil }

func TestWriteAllocatesNothing(t *testing.T) {
	written := make(counted)
	s := logsink.Open(written, logsink.Config{})
	text := []byte("level=INFO msg=\"request done\" status=200\n")
	if n := testing.AllocsPerRun(100, func() { s.Write(text); <-written }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDefaultNote is in the form of slog.TextHandler.
func TestDefaultNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		close(g.pass)
		s := logsink.Open(g, logsink.Config{Bytes: 2})
		say(t, s, "too long")
		synctest.Wait()
		var want bytes.Buffer
		slog.New(slog.NewTextHandler(&want, nil)).Warn("log lines lost: read them faster, or log less", "lines", 1)
		check(t, g, s, want.String(), 1)
		s.Close(t.Context())
	})
}
