package batch

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/kvstore"
)

// Stats is a snapshot of a Loop; its fields are read one after the other.
type Stats struct {
	// Now.
	Active        int // sequences in the cache, paused ones included
	Paused        int // sequences whose reader is behind
	Waiting       int // requests not admitted yet
	KVTokens      int // tokens of sequences in the KV cache; what is left in free places gives way
	ContextTokens int // tokens the KV cache holds
	MaxSequences  int
	QueueLimit    int
	// Decoding is how long the decode under way has been running, 0 between
	// two. A large value means that the engine is stuck.
	Decoding time.Duration
	// Stuck is how long that decode has been running if the engine counts as
	// stuck, or 0.
	Stuck time.Duration

	// Since the start.
	Steps            uint64                    // decodes that succeeded
	PromptTokens     uint64                    // tokens decoded as part of prompts
	AskedTokens      uint64                    // tokens of the prompts that were admitted
	ReusedTokens     uint64                    // of them, those that were computed already
	Reusing          uint64                    // requests that had such
	LiveHits         uint64                    // of those requests, whose tokens were in the context
	RAMHits          uint64                    // .. whose state was in memory
	DiskHits         uint64                    // .. or came from a file
	Copies           uint64                    // of sequences, for those who begin alike
	Moves            uint64                    // of what is left, to places beside who runs
	CompletionTokens uint64                    // tokens generated
	Drafts           uint64                    // of tokens that might follow, computed ahead
	DraftTokens      uint64                    // that they had
	AcceptedTokens   uint64                    // of them, those that were right
	EmbeddedTokens   uint64                    // tokens of inputs whose vectors were computed
	EmbeddingSteps   uint64                    // decodes that computed them
	Refused          uint64                    // Submit gave ErrQueueFull
	Finished         [ask.FinishReasons]uint64 // by ask.FinishReason
	NoCacheSpace     uint64                    // decodes that found the cache full
	Evictions        uint64
	Preempted        uint64        // sequences that gave their place to a higher tier, or a key that had none
	Shifts           uint64        // of full contexts
	Restored         uint64        // of them, those that came back with their state
	Expired          uint64        // generations, and calls of Embed, whose time was over
	DecodeErrors     uint64        // other failures
	StuckDecodes     uint64        // for which the engine counted as stuck
	Busy             time.Duration // inside decodes
	Spent            ask.Parts     // of all generations, between their tokens; up to the last step that each had a part in

	Pacing Pacing
	Stored kvstore.Stats // of states beside the context
}

// counters is what Stats reads. Who holds Loop.own alone writes, save for refused.
type counters struct {
	active, paused, kvTokens   atomic.Int64
	decodingSince              atomic.Int64 // ns since started, 0 between decodes
	steps, prompt, completion  atomic.Uint64
	asked, reused, reusing     atomic.Uint64
	hits                       [hitPlaces]atomic.Uint64
	copies, moves              atomic.Uint64
	drafts, drafted, accepted  atomic.Uint64
	embedded, embeddings       atomic.Uint64
	finished                   [ask.FinishReasons]atomic.Uint64
	noSpace, evictions, errors atomic.Uint64
	preempted, restored        atomic.Uint64
	shifts                     atomic.Uint64
	expired                    atomic.Uint64
	tokensPerSecond            atomic.Uint64 // a float64's bits
	busyNs                     atomic.Int64
	spent                      spentNs
	_                          cpu.CacheLinePad
	stuck                      atomic.Uint64
	refused                    atomic.Uint64
}

// started is the zero of decodingSince.
var started = time.Now()

// sinceStart returns the monotonic time, never 0.
func sinceStart() int64 { return int64(time.Since(started)) + 1 }

// Stats returns the state of the loop; it takes no lock and never waits for
// the engine.
func (l *Loop) Stats() Stats {
	c := &l.counters
	s := Stats{
		Active:           int(c.active.Load()),
		Paused:           int(c.paused.Load()),
		KVTokens:         int(c.kvTokens.Load()),
		ContextTokens:    l.limits.ContextTokens,
		MaxSequences:     l.config.MaxSequences,
		QueueLimit:       l.config.QueueLimit,
		Steps:            c.steps.Load(),
		PromptTokens:     c.prompt.Load(),
		AskedTokens:      c.asked.Load(),
		ReusedTokens:     c.reused.Load(),
		Reusing:          c.reusing.Load(),
		LiveHits:         c.hits[hitLive].Load(),
		RAMHits:          c.hits[hitRAM].Load(),
		DiskHits:         c.hits[hitDisk].Load(),
		Copies:           c.copies.Load(),
		Moves:            c.moves.Load(),
		CompletionTokens: c.completion.Load(),
		Drafts:           c.drafts.Load(),
		DraftTokens:      c.drafted.Load(),
		AcceptedTokens:   c.accepted.Load(),
		EmbeddedTokens:   c.embedded.Load(),
		EmbeddingSteps:   c.embeddings.Load(),
		Refused:          c.refused.Load(),
		NoCacheSpace:     c.noSpace.Load(),
		Evictions:        c.evictions.Load(),
		Preempted:        c.preempted.Load(),
		Restored:         c.restored.Load(),
		Shifts:           c.shifts.Load(),
		Expired:          c.expired.Load(),
		DecodeErrors:     c.errors.Load(),
		StuckDecodes:     c.stuck.Load(),
		Busy:             time.Duration(c.busyNs.Load()),
		Spent:            c.spent.parts(),
		Pacing:           l.pacing.stats(),
	}
	if l.stored.figures != nil {
		s.Stored = l.stored.figures.Stats()
	}
	s.Waiting = max(int(l.inFlight.Load())-s.Active, 0)
	for i := range s.Finished {
		s.Finished[i] = c.finished[i].Load()
	}
	if since := c.decodingSince.Load(); since != 0 {
		s.Decoding = time.Duration(sinceStart() - since)
	}
	if since := l.stuck.Load(); since != 0 {
		s.Stuck = time.Duration(sinceStart() - since)
	}
	return s
}

// publish makes the gauges current but active, which moves with each sequence.
// Engine goroutine.
func (l *Loop) publish() {
	paused, tokens := 0, 0
	for _, g := range l.live {
		tokens += g.seq.cached
		if g.seq.paused {
			paused++
		}
	}
	l.counters.paused.Store(int64(paused))
	l.counters.kvTokens.Store(int64(tokens))
}
