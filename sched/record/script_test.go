package record

import (
	"fmt"
	"sync"
	"testing"
)

// A script is a source whose records, clock and groups are a test's.
type script struct {
	mu    sync.Mutex
	clock int64
	subs  []*scriptSub
	lost  uint64
	names map[int32]string
	self  uint64
	no    string // why it is not supported
}

type scriptSub struct {
	of      *script
	one     sync.Mutex // deliver runs
	deliver func([]Record, uint64)
	waiting []Record
	closed  bool
}

func (s *script) supported() (bool, string) { return s.no == "", s.no }

func (s *script) subscribe(deliver func([]Record, uint64)) (subscription, error) {
	sub := &scriptSub{of: s, deliver: deliver}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, sub)
	return sub, nil
}

func (s *script) now() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *script) groups() map[int32]string   { return s.names }
func (s *script) reason(reason uint8) string { return [...]string{"", "select", "sleep"}[reason%3] }
func (s *script) stop(reason uint64) string  { return fmt.Sprint("stop ", reason) }
func (s *script) goroutine() uint64          { return s.self }

// write records events, up to the last of which the clock goes on.
func (s *script) write(records ...Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		sub.waiting = append(sub.waiting, records...)
	}
	for _, r := range records {
		s.clock = max(s.clock, r.Time)
	}
}

// flush delivers what was written.
func (s *script) flush() {
	for _, sub := range s.subs {
		sub.Flush()
	}
}

func (s *scriptSub) Flush() {
	s.one.Lock()
	defer s.one.Unlock()
	s.of.mu.Lock()
	records, lost, closed := s.waiting, s.of.lost, s.closed
	s.waiting = nil
	s.of.mu.Unlock()
	if len(records) > 0 && !closed {
		s.deliver(records, lost)
	}
}

func (s *scriptSub) Close() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.closed = true
}

// openWith returns a recorder of a script.
func openWith(t *testing.T, s *script, cfg Config) *Recorder {
	t.Helper()
	r, err := open(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// at sets the clock.
func (s *script) at(clock int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = clock
}
