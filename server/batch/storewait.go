package batch

import (
	"time"

	"github.com/weirgo/weir/server/batch/kvstore"
)

// A request whose state is in a file waits for it in the queue: the engine goroutine
// reads none. Those behind it are admitted meanwhile.

// fetch is what a waiting sequence has of the store.
type fetch struct {
	until int64          // by sinceStart, when it has waited enough; 0: it was not looked yet; -1: it does not wait
	lease *kvstore.Lease // of what comes from a file, or nil
}

// fetches reports whether a sequence that could be admitted waits for a file, which it
// has read if that is faster than to compute.
func (l *Loop) fetches(s *sequence) bool {
	f := &s.fetch
	if l.stored.Store == nil || f.until < 0 {
		return false
	}
	if f.lease == nil && !l.fetch(s) || f.lease != nil && !f.lease.Waits() || sinceStart() >= f.until {
		f.until = -1
		return false
	}
	if l.stored.deadline == 0 || f.until < l.stored.deadline {
		l.stored.deadline = f.until
	}
	return true
}

// fetch has the file read that a sequence begins with, at once or when others have
// theirs. It reports false if there is no such file.
func (l *Loop) fetch(s *sequence) bool {
	f, there := &s.fetch, l.inContext(s)
	found, shared, ok := l.match(s, there)
	if !ok || found.InRAM {
		return false
	}
	if f.until == 0 {
		patience := l.speeds().Computing(shared - there)
		if patience == 0 {
			patience = l.stored.patience
		}
		f.until = sinceStart() + int64(patience)
		time.AfterFunc(patience, l.wakeEngine)
	}
	f.lease = l.stored.Lease(found.ID)
	return true
}

// endFetch lets go of what a sequence has of the store.
func (l *Loop) endFetch(s *sequence) {
	if s.fetch.lease != nil {
		s.fetch.lease.End()
		s.fetch.lease = nil
	}
}

// collectStored takes in what the store has read and written since the last step.
func (l *Loop) collectStored() {
	if l.stored.Store != nil {
		l.stored.deadline = 0 // set again by those who wait on
		l.stored.Collect()
	}
}

// storeReady reports whether the store has something for the next step, or somebody has
// waited long enough for a file.
func (l *Loop) storeReady() bool {
	st := &l.stored
	return st.Store != nil && (st.Ready() || st.deadline != 0 && sinceStart() >= st.deadline)
}
