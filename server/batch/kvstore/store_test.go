package kvstore

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

var expect = slotfile.Expect{Identity: "model", Tokens: 64, Vocabulary: 1000}

// tested is a store whose goroutines are waited for, and its log.
type tested struct {
	*Store
	t     *testing.T
	woken chan struct{}
	log   *bytes.Buffer
}

func open(t *testing.T, cfg Config) *tested {
	t.Helper()
	s := &tested{t: t, woken: make(chan struct{}, 1), log: new(bytes.Buffer)}
	cfg.Wake = func() {
		select {
		case s.woken <- struct{}{}:
		default:
		}
	}
	cfg.Log = slog.New(slog.NewTextHandler(s.log, nil))
	if cfg.Expect == (slotfile.Expect{}) {
		cfg.Expect = expect
	}
	store, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Store = store
	return s
}

// close waits for what is being written.
func (s *tested) close() {
	s.t.Helper()
	if err := s.Close(time.Hour); err != nil {
		s.t.Error(err)
	}
	if st := s.Stats(); st.RAMBytes != 0 || st.RAMEntries != 0 {
		s.t.Errorf("left in memory: %+v", st)
	}
}

// until collects until something has come about.
func (s *tested) until(done func() bool) {
	s.t.Helper()
	for s.Collect(); !done(); s.Collect() {
		<-s.woken
	}
}

// idle waits until the writer and the reader have nothing to do.
func (s *tested) idle() { s.until(func() bool { return s.queued == 0 && s.fetches == 0 }) }

func tokens(seed, n int) []engine.Token {
	out := make([]engine.Token, n)
	for i := range out {
		out[i] = engine.Token((seed*37 + i*i) % 1000)
	}
	return out
}

// stateOf is so many bytes that differ with the tokens.
func stateOf(of []engine.Token, n int) []byte {
	state := make([]byte, n)
	for i := range state {
		state[i] = byte(i) ^ byte(of[i%len(of)])
	}
	return state
}

func (s *tested) put(key Key, of []engine.Token, n int) bool {
	s.t.Helper()
	memory, err := offheap.New(n + 8) // the state is a part of it
	if err != nil {
		s.t.Fatal(err)
	}
	state := memory[4 : n+4]
	copy(state, stateOf(of, n))
	return s.Put(key, of, memory, state)
}

// get takes what the store has of tokens, from wherever it is.
func (s *tested) get(key Key, of []engine.Token) (state []byte, fromDisk bool) {
	s.t.Helper()
	found, ok := s.Match(key, of, false)
	if !ok {
		return nil, false
	}
	lease := s.Lease(found.ID)
	defer lease.End()
	s.until(func() bool { return !lease.Waits() })
	return slices.Clone(lease.State()), lease.FromDisk()
}

var anybody = KeyOf("all", "")

func TestMemoryIsBounded(t *testing.T) {
	s := open(t, Config{RAMBytes: 3 * 108})
	defer s.close()
	for seed := range 3 {
		if !s.put(anybody, tokens(seed, 20), 100) {
			t.Fatal("not kept")
		}
	}
	if !s.Covers(anybody, tokens(0, 20), 0) { // used, so that it is not the oldest
		t.Error("not covered")
	}
	s.put(anybody, tokens(3, 20), 100)
	for seed, want := range []bool{true, false, true, true} {
		got, _ := s.get(anybody, tokens(seed, 20))
		if (got != nil) != want || want && !bytes.Equal(got, stateOf(tokens(seed, 20), 100)) {
			t.Errorf("entry %d: %d bytes, want some: %v", seed, len(got), want)
		}
	}
	if s.Accepts(20, 3*108+1) || !s.Accepts(20, 3*108) {
		t.Error("what is accepted")
	}
	if s.put(anybody, tokens(9, 20), 1000) {
		t.Error("kept, larger than all there is")
	}
	want := Stats{RAMBytes: 3 * 108, RAMEntries: 3, Saves: 4, EvictedRAM: 1, Refused: 1}
	if got := s.Stats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// What somebody has a lease of stays, whatever comes.
func TestLeasesHold(t *testing.T) {
	s := open(t, Config{RAMBytes: 108})
	defer s.close()
	s.put(anybody, tokens(1, 20), 100)
	found, _ := s.Match(anybody, tokens(1, 20), false)
	lease := s.Lease(found.ID)
	s.put(anybody, tokens(2, 20), 100)
	s.put(anybody, append(tokens(1, 20), 1, 2), 100) // goes further
	if !bytes.Equal(lease.State(), stateOf(tokens(1, 20), 100)) {
		t.Error("the state has changed")
	}
	lease.End()
	if st := s.Stats(); st.RAMEntries != 1 || st.RAMBytes != 108 {
		t.Errorf("%+v", st)
	}
}

// A state is found by those of its key, from any common beginning on, and one that goes
// further takes its place.
func TestMatch(t *testing.T) {
	s := open(t, Config{RAMBytes: -1})
	defer s.close()
	long := tokens(1, 40)
	s.put(KeyOf("all", "a"), long[:30], 100)
	s.put(KeyOf("all", "a"), long[:10], 100)
	for _, other := range []Key{anybody, KeyOf("all", "b"), KeyOf("tenant", "a"), KeyOf("all", "a\x00")} {
		if found, ok := s.Match(other, long, false); ok {
			t.Errorf("another key finds %+v", found)
		}
	}
	if found, ok := s.Match(KeyOf("all", "a"), append(long[:20:20], 5), false); !ok || found.Shared != 20 || found.Tokens != 30 || !found.InRAM || found.Bytes != 108 {
		t.Errorf("%+v, %v", found, ok)
	}
	if found, ok := s.Match(KeyOf("all", "a"), append(long[:20:20], 5), true); !ok || found.Shared != 10 || found.Tokens != 10 {
		t.Errorf("whole: %+v, %v", found, ok)
	}
	if s.Covers(KeyOf("all", "a"), long, 9) || !s.Covers(KeyOf("all", "a"), long, 10) {
		t.Error("what is covered")
	}
	s.put(KeyOf("all", "a"), long, 100)
	if st := s.Stats(); st.RAMEntries != 1 || st.EvictedRAM != 0 {
		t.Errorf("%+v", st)
	}
}
