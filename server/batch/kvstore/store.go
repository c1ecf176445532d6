package kvstore

import (
	"errors"
	"log/slog"
	"time"

	"github.com/weirgo/weir/server/batch/prefix"
	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

// Config bounds a Store.
type Config struct {
	// RAMBytes is how much states have of memory; below 0: without limit.
	RAMBytes int64
	// Dir is the directory of their files, made if it is not there; "" for none.
	Dir string
	// DiskBytes is how much files have; below 0: without limit.
	DiskBytes int64
	// Expect is what a file has to be: which engine's, and how long.
	Expect slotfile.Expect
	// Wake, if not nil, is called by other goroutines when Ready has become true.
	Wake func()
	// Log gets what is worth an operator's attention. Default slog.Default().
	Log *slog.Logger
}

const (
	// mostEntries bounds the index, and what a look into it takes.
	mostEntries = 8192
	// writeLimit and queueBytes are how many states wait for the writer at most, and
	// how much they have together unless it is one. fetchLimit is how many are fetched
	// at once.
	writeLimit = 16
	queueBytes = 1 << 30
	fetchLimit = 4
)

// Store keeps states of prefixes.
type Store struct {
	config  Config
	tree    prefix.Tree
	entries map[int]*entry
	last    int // id

	held     int64 // bytes in memory that do not leave it
	memory   int64 // bytes in memory
	filed    int64 // bytes in files, and of those that are being written
	fetches  int   // under way
	queued   int   // writes
	queue    int64 // their bytes
	inMemory int   // entries
	inFiles  int

	disk     *disk // nil: none
	reading  Rate  // bytes of files
	counters counters
}

// Open makes a store. With a directory it finds the states there that another process
// has left, and it fails if another one uses it.
func Open(cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	s := &Store{config: cfg, entries: make(map[int]*entry)}
	if cfg.Dir != "" {
		if err := s.openDisk(); err != nil {
			return nil, err
		}
	}
	s.publish()
	return s, nil
}

// Found is an entry that begins like a prompt.
type Found struct {
	ID     int
	Shared int // tokens that both begin with
	Tokens int // of the entry
	Bytes  int64
	InRAM  bool // or it has to be fetched
}

// Match finds the entry of a key that begins with the most of these tokens, at least
// one. With whole, only those all of whose tokens the prompt begins with are looked at.
func (s *Store) Match(key Key, tokens []engine.Token, whole bool) (Found, bool) {
	var allowed func(int) bool
	if whole {
		allowed = func(id int) bool {
			e := s.entries[id]
			return e.length <= len(tokens) && s.begins(e, tokens)
		}
	}
	id, shared := s.tree.Match(string(key), tokens, allowed)
	if id < 0 {
		return Found{}, false
	}
	e := s.entries[id]
	return Found{id, shared, e.length, e.bytes, e.memory != nil}, true
}

// begins reports whether tokens begin with all of an entry's.
func (s *Store) begins(e *entry, tokens []engine.Token) bool {
	_, shared := s.tree.Match(string(e.key), tokens, func(id int) bool { return id == e.id })
	return shared == e.length
}

// Covers reports whether an entry of a key has all of these tokens but for slack, and
// makes that entry the one used last.
func (s *Store) Covers(key Key, tokens []engine.Token, slack int) bool {
	id, shared := s.tree.Match(string(key), tokens, nil)
	if id < 0 || shared < len(tokens)-slack {
		return false
	}
	s.tree.Touch(id)
	return true
}

// Accepts reports whether a state of so many tokens and bytes would be kept.
func (s *Store) Accepts(tokens, bytes int) bool {
	return s.config.RAMBytes < 0 || int64(bytes) <= s.config.RAMBytes || s.Writes(tokens, bytes)
}

// Writes reports whether such a state would be written now.
func (s *Store) Writes(tokens, bytes int) bool {
	return s.disk != nil && s.fits(slotfile.FileBytes(tokens, bytes)) &&
		s.queued < writeLimit && (s.queued == 0 || s.queue+int64(bytes) <= queueBytes)
}

// OnDisk reports whether there is a directory.
func (s *Store) OnDisk() bool { return s.disk != nil }

// Put takes over a state and the memory of package offheap that it is a part of. Tokens
// stay as they are from now on. It reports false if nothing came of it.
func (s *Store) Put(key Key, tokens []engine.Token, memory, state []byte) bool {
	s.drop(key, tokens)
	if len(s.entries) >= mostEntries {
		s.evict(s.entries[s.tree.Oldest(func(int) bool { return true })])
	}
	s.last++
	e := &entry{id: s.last, key: key, length: len(tokens), tokens: tokens, memory: memory, state: state, bytes: int64(len(memory))}
	s.entries[e.id] = e
	s.tree.Set(e.id, string(key), tokens)
	s.hold(e)
	s.write(e)
	s.settle(e) // where it is too large for memory, and cannot be written
	s.trim()
	s.publish()
	if e.gone {
		s.counters.refused.Add(1)
		return false
	}
	s.counters.saves.Add(1)
	return true
}

// evict removes an entry for want of room in the index.
func (s *Store) evict(e *entry) {
	if e.file != "" {
		s.counters.evictedDisk.Add(1)
	} else {
		s.counters.evictedRAM.Add(1)
	}
	s.remove(e)
}

// drop removes the entries that tokens begin with.
func (s *Store) drop(key Key, tokens []engine.Token) {
	for {
		id, shared := s.tree.Match(string(key), tokens, func(id int) bool { return s.entries[id].length <= len(tokens) })
		if id < 0 || shared < s.entries[id].length {
			return
		}
		s.remove(s.entries[id])
	}
}

// hold counts the memory of an entry, which is to stay unless it is too large.
func (s *Store) hold(e *entry) {
	s.memory += e.bytes
	s.inMemory++
	if e.leaving = s.config.RAMBytes >= 0 && e.bytes > s.config.RAMBytes; !e.leaving {
		s.held += e.bytes
	}
}

// trim has entries leave memory until the rest is within its bound.
func (s *Store) trim() {
	for s.config.RAMBytes >= 0 && s.held > s.config.RAMBytes {
		id := s.tree.Oldest(func(id int) bool {
			e := s.entries[id]
			return e.memory != nil && !e.leaving && e.pins == 0
		})
		if id < 0 {
			return // all of it is in use: its users come by here again
		}
		e := s.entries[id]
		e.leaving = true
		s.held -= e.bytes
		s.counters.evictedRAM.Add(1)
		s.settle(e)
	}
}

// settle frees the memory of an entry that leaves it, once nobody uses it. One that is
// in no file is written first, or is gone.
func (s *Store) settle(e *entry) {
	if !e.leaving || e.used() {
		return
	}
	if !e.gone && e.file == "" {
		if s.write(e) {
			return
		}
		s.unlist(e)
	}
	s.memory -= e.bytes
	s.inMemory--
	e.free()
}

// unlist takes an entry out of the index.
func (s *Store) unlist(e *entry) {
	s.tree.Remove(e.id)
	delete(s.entries, e.id)
	e.gone = true
}

// remove lets an entry go, memory and file.
func (s *Store) remove(e *entry) {
	s.unlist(e)
	s.dropFile(e)
	if e.memory == nil {
		return
	}
	if !e.leaving {
		e.leaving = true
		s.held -= e.bytes
	}
	s.settle(e)
}

// Remove lets an entry go whose state the engine does not take.
func (s *Store) Remove(id int) {
	if e := s.entries[id]; e != nil {
		s.remove(e)
		s.publish()
	}
}

// Close writes what is in no file yet, as far as that is done within a time, and frees
// everything. Leases have ended. The Store is of no use then.
func (s *Store) Close(within time.Duration) error {
	if s.disk != nil {
		s.writeMore()
		if !s.disk.stop(within) {
			// The writer still reads memory. What it has begun is no file, and is
			// removed by who opens the directory next.
			s.config.Log.Warn("not all kept states were written in time", "directory", s.config.Dir, "within", within)
			return nil
		}
		s.takeDone()
	}
	for _, e := range s.entries {
		offheap.Free(e.memory)
	}
	clear(s.entries)
	s.held, s.memory, s.inMemory = 0, 0, 0
	s.publish()
	if s.disk == nil {
		return nil
	}
	return errors.Join(s.disk.lock.Close(), s.disk.dir.Close())
}
