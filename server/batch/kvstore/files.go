package kvstore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

// suffix ends the names of files, after their key and something of their own.
const suffix = ".kv"

// defaultDiskBytes is how much files have where Config says nothing, or half of what
// there is.
const defaultDiskBytes = 32 << 30

// keyBytes is how long a Key is.
const keyBytes = 64

// keyOfFile is the key in a file's name; it reports false if the file is not one of
// ours.
func keyOfFile(name string) (Key, bool) {
	key, rest, ok := strings.Cut(name, "-")
	if _, err := hex.DecodeString(key); err != nil || !ok || len(key) != keyBytes || key != strings.ToLower(key) {
		return "", false
	}
	unique, ok := strings.CutSuffix(rest, suffix)
	return Key(key), ok && len(unique) == len(rand.Text())
}

// expect is what a file of a key has to be. The key is part of the identity: under
// another name a file is a foreign one.
func (s *Store) expect(key Key) slotfile.Expect {
	want := s.config.Expect
	want.Identity += "\x00" + string(key)
	return want
}

// openDisk takes the directory, and notes what is in it.
func (s *Store) openDisk() error {
	if err := os.MkdirAll(s.config.Dir, 0o700); err != nil {
		return fmt.Errorf("kvstore: make directory: %w", err)
	}
	dir, err := slotfile.Open(s.config.Dir)
	if err != nil {
		return err
	}
	lock, err := dir.Lock()
	if err != nil {
		dir.Close()
		return fmt.Errorf("kvstore: open %s: %w", s.config.Dir, err)
	}
	if err := errors.Join(dir.RemoveUnfinished(suffix), s.find(dir)); err != nil {
		lock.Close()
		dir.Close()
		return err
	}
	s.disk = newDisk(dir, lock, s.config.Wake)
	s.makeRoom(0)
	return nil
}

// find notes the files of a directory, and removes those that cannot be used.
func (s *Store) find(dir *slotfile.Dir) error {
	files, err := dir.Files(suffix)
	if err != nil {
		return err
	}
	removed, first := map[string]int{}, map[string]string{}
	for _, f := range files {
		key, ok := keyOfFile(f.Name)
		if !ok {
			continue
		}
		tokens, state, err := dir.Head(f.Name, s.expect(key))
		if err == nil && (len(tokens) == 0 || state == 0) {
			err = errEmpty
		}
		if err == nil {
			s.add(key, tokens, state, f)
			continue
		}
		if removed[err.Error()]++; removed[err.Error()] == 1 {
			first[err.Error()] = f.Name
		}
		if err := dir.Remove(f.Name); err != nil {
			return err
		}
		s.counters.damaged.Add(1)
	}
	for reason, n := range removed { // a line for each reason: of another model there may be thousands
		s.config.Log.Warn("kept states that cannot be used are removed", "reason", reason, "files", n, "first", first[reason], "directory", s.config.Dir)
	}
	return s.setDiskBytes(dir)
}

var errEmpty = errors.New("the file has no tokens or no state")

// setDiskBytes fills in Config.DiskBytes.
func (s *Store) setDiskBytes(dir *slotfile.Dir) error {
	if s.config.DiskBytes != 0 {
		return nil
	}
	free, err := dir.FreeBytes()
	if err != nil {
		return err
	}
	s.config.DiskBytes = min(defaultDiskBytes, (s.filed+free)/2)
	return nil
}

// add notes a file.
func (s *Store) add(key Key, tokens []engine.Token, state int64, f slotfile.File) {
	s.last++
	e := &entry{id: s.last, key: key, length: len(tokens), bytes: state, file: f.Name, fileBytes: f.Bytes, tried: true}
	s.entries[e.id] = e
	s.tree.Set(e.id, string(key), tokens)
	s.filed += f.Bytes
	s.inFiles++
}

// fits reports whether a file may be that large.
func (s *Store) fits(bytes int64) bool { return s.config.DiskBytes < 0 || bytes <= s.config.DiskBytes }

// write has the writer write an entry that is in memory, and reports whether it is in a
// file, or will be.
func (s *Store) write(e *entry) bool {
	switch {
	case e.file != "" || e.writing:
		return true
	case e.tried || !s.Writes(e.length, int(e.bytes)):
		return false
	}
	bytes := slotfile.FileBytes(e.length, len(e.state))
	if !s.makeRoom(bytes) {
		return false
	}
	e.tried, e.writing, e.fileBytes = true, true, bytes
	s.filed += bytes
	s.queued++
	s.queue += e.bytes
	s.disk.write(writing{e, string(e.key) + "-" + rand.Text() + suffix, s.expect(e.key).Identity, e.tokens, e.state})
	return true
}

// makeRoom removes the files used longest ago until so many bytes more fit. It reports
// false if they do not.
func (s *Store) makeRoom(bytes int64) bool {
	for s.config.DiskBytes >= 0 && s.filed+bytes > s.config.DiskBytes {
		id := s.tree.Oldest(func(id int) bool { e := s.entries[id]; return e.file != "" && !e.reading })
		if id < 0 {
			return false
		}
		e := s.entries[id]
		s.dropFile(e)
		s.counters.evictedDisk.Add(1)
		if e.memory == nil {
			s.unlist(e)
		} else {
			s.settle(e)
		}
	}
	return true
}

// dropFile removes the file of an entry, if there is one.
func (s *Store) dropFile(e *entry) {
	if e.file == "" {
		return
	}
	s.disk.remove(e.file)
	e.file = ""
	s.filed -= e.fileBytes
	s.inFiles--
}

// writeMore has entries written that nothing but the queue of the writer has kept in
// memory alone, those first that leave it first.
func (s *Store) writeMore() {
	for {
		id := s.tree.Oldest(func(id int) bool { e := s.entries[id]; return e.memory != nil && !e.tried })
		if id < 0 || !s.write(s.entries[id]) {
			return
		}
	}
}

// Ready reports whether Collect has something to do. Any goroutine.
func (s *Store) Ready() bool { return s.disk != nil && s.disk.ready.Load() }

// Collect takes in what the store's goroutines have done.
func (s *Store) Collect() {
	if !s.Ready() {
		return
	}
	s.takeDone()
	s.writeMore()
	s.trim()
	s.publish()
}

func (s *Store) takeDone() {
	for _, o := range s.disk.take() {
		if o.read {
			s.wasRead(o)
		} else {
			s.wasWritten(o)
		}
	}
}

func (s *Store) wasWritten(o outcome) {
	e := o.entry
	e.writing = false
	s.queued--
	s.queue -= e.bytes
	if o.err != nil {
		s.filed -= e.fileBytes
		s.counters.failed.Add(1)
		s.config.Log.Warn("a state is not kept on disk", "directory", s.config.Dir, "err", o.err)
	} else {
		e.file = o.name
		s.inFiles++
		s.counters.written.Add(1)
		if e.gone {
			s.dropFile(e)
		}
	}
	s.settle(e)
}

func (s *Store) wasRead(o outcome) {
	e := o.entry
	e.reading = false
	s.fetches--
	if o.slot != nil && (e.gone || !s.sameTokens(e, o.slot.Tokens)) {
		offheap.Free(o.slot.State)
		o.slot, o.err = nil, errors.New("the file has other tokens than at the start")
	}
	switch {
	case e.gone:
	case o.err != nil:
		s.config.Log.Warn("a kept state that cannot be used is removed", "file", e.file, "directory", s.config.Dir, "reason", o.err)
		s.counters.damaged.Add(1)
		s.remove(e)
	default:
		e.memory, e.state, e.tokens, e.bytes, e.fetched = o.slot.State, o.slot.State, o.slot.Tokens, int64(len(o.slot.State)), true
		s.reading.Add(e.bytes, o.took)
		s.hold(e)
		s.settle(e)
	}
}

// sameTokens reports whether these are an entry's tokens.
func (s *Store) sameTokens(e *entry, tokens []engine.Token) bool {
	return len(tokens) == e.length && s.begins(e, tokens)
}
