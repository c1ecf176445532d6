package batch

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/server/ask"
)

// One of them is run alone as -run 'TestSchedules/seed_7$'.
var schedules = flag.Int("schedules", 0, "how many seeds TestSchedules and TestLlamaSchedules take; 0 for 1000, and 20 of the real engine")

// schedulesOf is how many seeds to take.
func schedulesOf(all, short int) uint64 {
	switch {
	case *schedules > 0:
		return uint64(*schedules)
	case testing.Short():
		return uint64(short)
	}
	return uint64(all)
}

// Whatever the schedule, each generation's tokens are those that it has alone, none
// lost and none twice, and nothing is left of any at the end. The fake's next token is
// a hash of the tokens that are in the sequence's cells: one that is missing, foreign
// or in a wrong place changes all that follow. Time is the fake's, so a seed does the
// same each time.
func TestSchedules(t *testing.T) {
	seeds := schedulesOf(1000, 60)
	reached := make(map[string]int)
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSimulation(t, seed)
				s.play(600)
				for what, n := range s.reached {
					reached[what] += n
				}
			})
		})
	}
	if seeds < 60 || t.Failed() {
		return
	}
	for _, what := range []string{
		"preempted", "restored after that", "evicted", "full", "reused", "copied", "moved", "late", "decode failed", "stuck", "paused",
		"cancelled", "awaited", "slot saved", "slot restored", "slot erased", "spoilt slot refused", "died", "asked again",
	} {
		if reached[what] == 0 {
			t.Errorf("nothing was ever %s: %v", what, reached)
		}
	}
}

// play does so many random things, has all come to its end, and checks it.
func (s *simulation) play(acts int) {
	for range acts {
		s.act()
	}
	s.settle()
	for _, r := range s.requests {
		r.check(s.t, s.reference, s.cacheTokens(), s.loop.Limits(), s.faulty)
		if r.cancelled {
			s.reached["cancelled"]++
		}
	}
	total := uint64(0)
	for _, n := range s.loop.Stats().Finished {
		total += n
	}
	if total != uint64(len(s.requests)) {
		s.t.Errorf("%d requests, %d finished", len(s.requests), total)
	}
	if l := s.loop; l.room.Tokens() != 0 || l.savedBytes != 0 || len(l.live) != 0 || l.waiting.Len() != 0 || len(l.deadlines) != 0 {
		s.t.Errorf("%d tokens are left in the room, %d bytes are saved, %d are live, %d wait, %d have a deadline",
			l.room.Tokens(), l.savedBytes, len(l.live), l.waiting.Len(), len(l.deadlines))
	}
	s.tally()
}

// cacheTokens is how many tokens the cache holds, 0 for as many as there are.
func (s *simulation) cacheTokens() int {
	if s.model == nil {
		return 0
	}
	return s.model.CacheLimit()
}

// tally notes what a loop has come to.
func (s *simulation) tally() {
	st := s.loop.Stats()
	for what, n := range map[string]uint64{
		"preempted": st.Preempted, "restored after that": st.Restored, "evicted": st.Evictions, "full": st.NoCacheSpace,
		"reused": st.ReusedTokens, "copied": st.Copies, "moved": st.Moves, "late": st.Expired, "decode failed": st.DecodeErrors, "stuck": st.StuckDecodes,
	} {
		s.reached[what] += int(n)
	}
}

// die ends the process as kill -9 does: nothing of the loop is ended in order, what its
// clients have not read is lost, and what was saved of slots is there. Another process
// takes its place: some slots are restored, and who has got no end asks again.
func (s *simulation) die() {
	s.reached["died"]++
	s.tally()
	before := s.requests
	s.requests, s.calls = nil, nil // who waits for the old loop's slots is told so at the end of the test
	s.open()
	for range s.random.IntN(s.loop.config.MaxSequences + 1) {
		s.restoreSlot()
		s.loop.serveSlots()
		s.endUses()
	}
	for _, r := range before {
		if r.ended {
			r.check(s.t, s.reference, s.cacheTokens(), s.loop.Limits(), s.faulty)
			continue
		}
		r.begins(s.t, s.reference, s.loop.Limits())
		if s.random.IntN(4) > 0 {
			s.submit(r.request)
			s.reached["asked again"]++
		}
	}
}

// count compares what the loop counts of its generations with those that there are.
func (s *simulation) count() {
	l := s.loop
	saved, deadlines := 0, 0
	var waiting [ask.Tiers]int
	for g := range l.all() {
		q := &g.seq
		if q.saved != nil {
			saved += cap(q.saved.state)
		}
		if q.deadline != 0 {
			deadlines++
		}
		if q.id < 0 && q.saved == nil {
			waiting[g.ticket.Source.Tier.Index()] += q.pending()
		}
		if q.id < 0 && q.awaited != nil {
			s.reached["awaited"]++
		}
		if q.id >= 0 && q.paused {
			s.reached["paused"]++
		}
	}
	for tier := ask.TierBackground; tier <= ask.TierPriority; tier++ {
		if got := l.waiting.Ahead(tier); got != waiting[tier.Index()] {
			s.t.Fatalf("%d tokens of tier %v wait, the queue counts %d", waiting[tier.Index()], tier, got)
		}
	}
	if deadlines != len(l.deadlines) {
		s.t.Fatalf("%d have a deadline, the loop has %d", deadlines, len(l.deadlines))
	}
	if saved != l.savedBytes {
		s.t.Fatalf("%d bytes are saved, the loop counts %d", saved, l.savedBytes)
	}
	ahead := 0
	for i := range l.pacing.estimate.tiers {
		tier := &l.pacing.estimate.tiers[i]
		ahead += int(tier.requests.Load())
		if n := tier.arriving.Load(); n != 0 {
			s.t.Fatalf("%d prompt tokens of tier %d are on their way", n, i)
		}
	}
	if n := int(l.inFlight.Load()); n != len(l.live)+l.waiting.Len() || n != ahead {
		s.t.Fatalf("%d in flight, %d live, %d waiting", n, len(l.live), l.waiting.Len())
	}
}
