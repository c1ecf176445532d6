package kvstore

// Lease keeps the state of an entry in memory.
type Lease struct {
	store *Store
	entry *entry
}

// Lease makes the state of an entry stay in memory, or come there, and the entry the one
// used last. It is nil if too many others are being fetched.
func (s *Store) Lease(id int) *Lease {
	e := s.entries[id]
	if e.memory == nil && !e.reading {
		if s.fetches >= fetchLimit {
			return nil
		}
		e.reading = true
		s.fetches++
		s.disk.read(e, e.file, s.expect(e.key))
	}
	e.pins++
	s.tree.Touch(id)
	if e.file != "" {
		s.disk.touch(e.file)
	}
	return &Lease{s, e}
}

// Waits reports whether the state is still on its way.
func (l *Lease) Waits() bool { return l.entry.reading }

// State is the state, nil if it is not there: it is on its way, or its file was damaged.
func (l *Lease) State() []byte { return l.entry.state }

// ID is the entry's.
func (l *Lease) ID() int { return l.entry.id }

// FromDisk reports whether the state has come from a file.
func (l *Lease) FromDisk() bool { return l.entry.fetched }

// End lets the state go, once.
func (l *Lease) End() {
	s := l.store
	l.entry.pins--
	if l.entry.memory != nil {
		s.settle(l.entry)
	}
	s.trim()
	s.publish()
}
