package kvstore

import "sync/atomic"

// Stats is a snapshot of a Store; its fields are read one after the other.
type Stats struct {
	// Now.
	RAMBytes, DiskBytes     int64
	RAMEntries, DiskEntries int // an entry may be in both

	// Since the start.
	Saves       uint64 // states that were taken over
	Written     uint64 // of them, those that are in files
	EvictedRAM  uint64 // that had to leave memory for others
	EvictedDisk uint64 // files that had to go for others
	Refused     uint64 // states that were not taken: no room, or no time
	Failed      uint64 // files that could not be written
	Damaged     uint64 // files that were removed: damaged, or of another model or engine
}

type counters struct {
	ramBytes, diskBytes     atomic.Int64
	ramEntries, diskEntries atomic.Int64

	saves, written, refused atomic.Uint64
	evictedRAM, evictedDisk atomic.Uint64
	failed, damaged         atomic.Uint64
}

// Stats returns what the store has. Any goroutine.
func (s *Store) Stats() Stats {
	c := &s.counters
	return Stats{
		RAMBytes: c.ramBytes.Load(), DiskBytes: c.diskBytes.Load(),
		RAMEntries: int(c.ramEntries.Load()), DiskEntries: int(c.diskEntries.Load()),
		Saves: c.saves.Load(), Written: c.written.Load(), Refused: c.refused.Load(),
		EvictedRAM: c.evictedRAM.Load(), EvictedDisk: c.evictedDisk.Load(),
		Failed: c.failed.Load(), Damaged: c.damaged.Load(),
	}
}

// Refuse counts a state that was not offered, because it would have taken too long.
func (s *Store) Refuse() { s.counters.refused.Add(1) }

// ReadRate is how many bytes a second are read from files, 0 if none was yet.
func (s *Store) ReadRate() float64 { return s.reading.PerSecond() }

// Hope has files be tried again that were too slow.
func (s *Store) Hope() { s.reading.Hope() }

// publish makes the gauges current.
func (s *Store) publish() {
	c := &s.counters
	c.ramBytes.Store(s.memory)
	c.ramEntries.Store(int64(s.inMemory))
	c.diskBytes.Store(s.filed)
	c.diskEntries.Store(int64(s.inFiles))
}
