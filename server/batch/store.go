package batch

import (
	"slices"
	"time"

	"github.com/weirgo/weir/server/batch/kvstore"
	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

// What is left in a place goes when somebody else needs the place or its cells. Its
// state is saved before, if that is worth it and holds nobody up, into a store in memory
// and on disk (package kvstore), and restored for who begins like it, if that is faster
// than to compute.

const (
	// storeLeast is how many tokens a state saves at least, beyond what the context or
	// the store has anyway: fewer are computed in a step or two.
	storeLeast = 64
	// storeShare is which part of a sequence is to be new before it is saved again
	// because there is nothing else to do: what is written of a conversation that grows
	// is a few times what it is in the end.
	storeShare = 8
	// stallLimit is how long those who run wait at most for what is saved between two
	// steps, or as long as their objective if that is shorter; idleStallLimit is for
	// those who wait to be admitted where nobody runs.
	stallLimit     = 50 * time.Millisecond
	idleStallLimit = time.Second
	// savingPart is which part of the time is for saving while others run: where all
	// prompts differ, nothing that is saved is ever of use.
	savingPart = 20
	// savingRate is how many bytes a second are taken to be saved before it is known.
	savingRate = 1 << 30
	// fetchPatience is how long a file is waited for where it is not known how long it
	// would take to compute.
	fetchPatience = 10 * time.Second
	// flushLimit is how long the end waits for files: what follows is to have its time.
	flushLimit = 2 * time.Second
)

// stored is what the loop has beside the context. But for the counters it belongs to
// who holds Loop.own.
type stored struct {
	*kvstore.Store                // nil: none, or none any more
	figures        *kvstore.Store // for Stats, any goroutine; nil: none
	whole          bool           // the engine has failed to cut a state: only those are used that need not be
	saving         kvstore.Rate   // of bytes
	restoring      kvstore.Rate

	step   int64         // Loop.pacing.began when spent was 0
	spent  time.Duration // saving, in that step
	credit time.Duration // what may be spent while others run: it grows with the time, up to stallLimit

	deadline int64 // when the first of those who wait for files has waited enough, by sinceStart; 0: nobody waits

	// Of tests others.
	faster   func(tokens int, found kvstore.Found) bool // byMeasure
	patience time.Duration                              // fetchPatience
}

// openStore makes the store, if there is to be one and the engine has states.
func (l *Loop) openStore() error {
	c := &l.config
	if c.CacheBytes == 0 && c.CacheDir == "" {
		return nil
	}
	if l.stateIdentity == "" {
		c.Log.Warn("nothing is kept of prompts beside the context: the cache of this model has a form whose sequences cannot be saved")
		return nil
	}
	store, err := kvstore.Open(kvstore.Config{
		RAMBytes: int64(c.CacheBytes), Dir: c.CacheDir, DiskBytes: int64(c.CacheDiskBytes),
		Expect: slotfile.Expect{Identity: l.stateIdentity, Tokens: l.limits.SequenceTokens, Vocabulary: l.vocab},
		Wake:   l.wakeEngine, Log: c.Log,
	})
	if err != nil {
		return err
	}
	l.stored = stored{Store: store, figures: store, credit: stallLimit, faster: l.byMeasure, patience: fetchPatience}
	return nil
}

// closeStore saves what is still left in places, for the next process, and ends the
// store. No sequence has a fetch any more.
func (l *Loop) closeStore() error {
	if l.stored.Store == nil {
		return nil
	}
	for l.saveIdle() {
	}
	store := l.stored.Store
	l.stored.Store = nil
	return store.Close(flushLimit)
}

// storeKey is the store's name for who may begin with what is left: also after the
// server was started with another setting.
func (l *Loop) storeKey(key string) kvstore.Key {
	if l.config.PrefixPerTenant {
		return kvstore.KeyOf("tenant", key)
	}
	return kvstore.KeyOf("all", key)
}

// byMeasure reports whether a state saves more time than it takes.
func (l *Loop) byMeasure(tokens int, found kvstore.Found) bool {
	speeds := l.speeds()
	if speeds.Faster(tokens, found.Bytes, found.InRAM) {
		return true
	}
	if tokens > 0 {
		l.stored.restoring.Hope()
		if !found.InRAM {
			l.stored.Hope()
		}
	}
	return false
}

func (l *Loop) speeds() kvstore.Speeds {
	v := kvstore.Speeds{Restore: l.stored.restoring.PerSecond(), Read: l.stored.ReadRate()}
	if ns := l.pacing.estimate.promptNs.Load(); ns > 0 {
		v.Compute = float64(time.Second) / float64(ns)
	}
	return v
}

// keep saves what is in a place of which all but the first own tokens is about to go.
func (l *Loop) keep(id engine.SequenceID, own int) {
	p := &l.places[id]
	if l.stored.Store == nil || len(p.tokens)-own < storeLeast || l.isElsewhere(id) {
		return
	}
	if !l.stored.Covers(l.storeKey(p.key), p.tokens, storeLeast-1) {
		l.saveState(id)
	}
}

// isElsewhere reports whether another place has what one has, but for a few tokens.
func (l *Loop) isElsewhere(id engine.SequenceID) bool {
	p := &l.places[id]
	_, shared := l.prefixes.Match(p.key, p.tokens, func(other int) bool { return other != int(id) })
	return len(p.tokens)-shared < storeLeast
}

// saveState puts what is left in a place into the store, if that holds nobody up.
func (l *Loop) saveState(id engine.SequenceID) {
	st, p := &l.stored, &l.places[id]
	if l.copied { // there is no state before the next decode
		st.Refuse()
		return
	}
	c := l.context.(engine.StateContext)
	bytes := c.StateBytes(id)
	if bytes == 0 || !st.Accepts(len(p.tokens), bytes) || !l.maySpend(bytes) {
		st.Refuse()
		return
	}
	memory, err := offheap.New(bytes)
	if err != nil {
		st.Refuse()
		l.config.Log.Warn("what was left in a place is not kept", "err", err)
		return
	}
	begin := time.Now()
	state, err := c.SaveSequence(id, len(p.tokens), memory)
	took := time.Since(begin)
	st.spent += took
	st.credit = max(0, st.credit-took)
	if err != nil {
		offheap.Free(memory)
		st.Refuse()
		l.config.Log.Warn("what was left in a place is not kept", "err", err)
		return
	}
	st.saving.Add(int64(len(state)), took)
	st.Put(l.storeKey(p.key), p.tokens, memory, state)
}

// maySpend reports whether so many bytes may be saved in this step.
func (l *Loop) maySpend(bytes int) bool {
	st := &l.stored
	if now := l.pacing.began; st.step != now {
		st.credit = min(stallLimit, st.credit+time.Duration(now-st.step)/savingPart)
		st.step, st.spent = now, 0
	}
	takes, running := savingTime(bytes, st.saving.PerSecond()), len(l.live) > 0
	tpot := l.config.TPOT
	for _, g := range l.live {
		tpot = tighter(tpot, g.seq.tpot)
	}
	return st.spent+takes <= mostStall(running, tpot) && (!running || takes <= st.credit)
}

// savingTime is how long so many bytes take at a rate, 0 if it is not known.
func savingTime(bytes int, rate float64) time.Duration {
	if rate <= 0 {
		rate = savingRate
	}
	return time.Duration(float64(bytes) / rate * float64(time.Second))
}

// mostStall is how long a step may save, if others run, and how long they want to wait
// between two tokens, 0 for no objective.
func mostStall(running bool, tpot time.Duration) time.Duration {
	if !running {
		return idleStallLimit
	}
	return tighter(stallLimit, tpot)
}

// keepAhead saves the places that those who wait will take in this step: after a copy
// that is not possible before the next decode.
func (l *Loop) keepAhead() {
	if l.stored.Store == nil || l.copied {
		return
	}
	n := min(l.waiting.Len()-1, len(l.free))
	for _, id := range l.free {
		if l.places[id].tokens == nil {
			n--
		}
	}
	var done []int
	for ; n > 0; n-- {
		id := l.prefixes.Oldest(func(id int) bool { return l.isKept(id) && !slices.Contains(done, id) })
		if id < 0 {
			return
		}
		done = append(done, id)
		l.keep(engine.SequenceID(id), 0)
	}
}

// saveIdle saves what is left in one place, because there is nothing else to do: a
// server that is killed finds it again. It reports false if there is nothing to save, or
// nowhere to.
func (l *Loop) saveIdle() bool {
	if l.stored.Store == nil || !l.stored.OnDisk() || l.copied {
		return false
	}
	for id := range l.places {
		p := &l.places[id]
		if p.tokens == nil || p.stored {
			continue
		}
		if len(p.tokens) < storeLeast || l.stored.Covers(l.storeKey(p.key), p.tokens, max(storeLeast, len(p.tokens)/storeShare)-1) {
			p.stored = true
			continue
		}
		if !l.stored.Writes(len(p.tokens), l.context.(engine.StateContext).StateBytes(engine.SequenceID(id))) {
			continue // once the writer has time
		}
		p.stored = true
		l.saveState(engine.SequenceID(id))
		return true
	}
	return false
}

// match finds what the store has of a sequence that is worth being restored, beyond
// tokens that there are anyway.
func (l *Loop) match(s *sequence, there int) (found kvstore.Found, shared int, ok bool) {
	if l.stored.Store == nil || !s.reuses || s.scores || s.saved != nil {
		return found, 0, false
	}
	tokens := s.tokens[:len(s.tokens)-1]
	if len(tokens)-there < storeLeast {
		return found, 0, false
	}
	found, ok = l.stored.Match(l.storeKey(s.key), tokens, l.stored.whole)
	if !ok || found.Shared-there < storeLeast || !l.stored.faster(found.Shared-there, found) {
		return found, 0, false
	}
	return found, found.Shared, true
}

// isRestored reports whether a state is restored for a sequence.
func (l *Loop) isRestored(s *sequence) bool {
	if s.saved != nil || l.stored.Store == nil {
		return s.saved != nil
	}
	found, _, ok := l.match(s, l.inContext(s))
	return ok && found.InRAM
}

// inContext is with how many tokens of a sequence another one in the context begins.
func (l *Loop) inContext(s *sequence) (tokens int) {
	_, tokens = l.prefixes.Match(s.key, s.tokens[:len(s.tokens)-1], nil)
	return tokens
}

// restoreStored puts a state of the store into an empty place and cuts it to so many
// tokens. It returns how many the place has then.
func (l *Loop) restoreStored(id engine.SequenceID, found kvstore.Found, shared int, lease *kvstore.Lease) (cached int, from hitPlace) {
	st := &l.stored
	begin := time.Now()
	if err := l.refill(id, found.Tokens, lease.State()); err != nil {
		l.config.Log.Warn("a kept state is not taken: the prompt is computed", "err", err)
		if l.kept == 0 && len(l.live) == 0 {
			st.Remove(found.ID) // there was room
		}
		return 0, hitNone
	}
	st.restoring.Add(found.Bytes, time.Since(begin))
	if shared < found.Tokens && !l.context.RemoveSequence(id, shared, -1) {
		st.whole = true
		l.remove(id) // or the place is lost
		return 0, hitNone
	}
	if lease.FromDisk() {
		return shared, hitDisk
	}
	return shared, hitRAM
}

// refill restores a state into an empty place. What is left in others goes for it where
// the cache has no room.
func (l *Loop) refill(id engine.SequenceID, tokens int, state []byte) error {
	c := l.context.(engine.StateContext)
	err := c.RestoreSequence(id, tokens, state)
	for made := 0; err != nil && made < tokens && l.kept > 0; err = c.RestoreSequence(id, tokens, state) {
		made += l.eraseOldest()
	}
	return err
}

// hitPlace is where a request has found what it begins with.
type hitPlace uint8

const (
	hitNone hitPlace = iota
	hitLive
	hitRAM
	hitDisk
	hitPlaces
)
