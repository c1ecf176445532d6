package batch

import (
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
)

// Speculative decoding: behind the token of a decoding sequence a step computes a draft
// of those that may follow, as package draft finds them in the sequence itself. Each of
// its rows is sampled as if it were a step of its own, by the sequence's sampler and in
// order, until a token is not the draft's. So what is generated is what would have been
// without, and so are log-probabilities; what is left of the draft is cut off the cache.
//
// A draft ends where the sequence is full. What a shift leaves (see shift.go) is looked up
// from the beginning, and the draft model computes what has moved once more.
//
// A sequence has its row in any case. Drafts get what the step has room and time for
// beside prompts, of the highest tier alone.

const (
	// draftPart is by which part drafts lengthen a step of several sequences at most.
	draftPart = 0.25
	// draftRest is for how many steps nothing is drafted after the cache was full.
	draftRest = 64
	// draftRetry is after how many steps without drafts, though there were some, a token
	// of one is tried: that they were too dear once may have been the machine's.
	draftRetry = 64
	// retryChance is how likely that token is right, at least.
	retryChance = 0.5
)

// drafter is a policy that knows what drafts cost.
type drafter interface {
	Drafts(d pace.Demand, prompts int, part float64) pace.Drafts
}

// drafting is what the loop keeps of drafts. It belongs to who holds Loop.own.
type drafting struct {
	stopped bool // the engine has not cut what was wrong
	rates   draft.Rates
	rest    int // steps for which nothing is drafted
	without int // steps that could have had drafts and have none

	who   []*Generation // may have a draft in the step that is planned
	wants []draft.Want  // of them
}

// guesses is what a sequence keeps of its drafts.
type guesses struct {
	index       *draft.Index // nil if nothing is looked up
	match       int          // tokens that match in it
	rates       draft.Rates
	least, most int

	at, matched int // of the step that is planned: what draft.Index found, or draft.ByModel
	known       int // tokens of the sequence that the draft model has too

	// Of the draft under way, from its plan to the end of the step.
	tokens []engine.Token
	row    int // of the first of them
	logits [][]float32
}

// newGuesses makes what a request's sequence needs for drafts, nil if it has none.
func (l *Loop) newGuesses(r *ask.Request) *guesses {
	c := l.config.Draft
	if !c.Lookup && l.scout == nil {
		return nil
	}
	most, least := c.Most, c.Least
	if r.MostDraft != 0 {
		most = r.MostDraft
	}
	if r.LeastDraft > 0 {
		least = r.LeastDraft
	}
	if most <= 0 {
		return nil
	}
	g := &guesses{most: min(most, draft.MostTokens), least: least, match: c.Match}
	if c.Lookup {
		g.index = draft.NewIndex(c.Match)
	}
	return g
}

// planDrafts puts drafts into a batch that has all its other rows, but for those that the
// draft model is yet to guess.
func (l *Loop) planDrafts(next *Step) {
	d := &l.drafting
	if !l.config.Draft.Lookup && l.scout == nil || d.stopped || next.DecodeRows == 0 {
		return
	}
	if d.rest > 0 {
		d.rest--
		return
	}
	budget := l.draftBudget(next.DecodeRows, next.PromptRows)
	if budget.Rows <= 0 {
		return
	}
	l.wantDrafts()
	draft.Share(budget, d.wants)
	d.retry()
	for i, g := range d.who {
		a := g.seq.guesses
		switch n := d.wants[i].Rows; {
		case n == 0:
			a.rates.Pass(a.matched)
			d.rates.Pass(a.matched)
		case a.matched == draft.ByModel:
			l.scout.want(g, n)
		default:
			a.tokens = draft.Append(a.tokens[:0], g.seq.tokens, a.at, n)
			next.DraftRows += l.addDraft(g)
		}
	}
	clear(d.who)
}

// retry gives a token to the likeliest draft that is looked up, where there was none for long.
// A draft model is not asked: it would have to read all that came since.
func (d *drafting) retry() {
	best := -1
	for i := range d.wants {
		w := &d.wants[i]
		if w.Rows > 0 {
			d.without = 0
			return
		}
		if d.who[i].seq.guesses.matched != draft.ByModel && w.Least <= 1 && w.Chance > retryChance && (best < 0 || w.Chance > d.wants[best].Chance) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	if d.without++; d.without >= draftRetry {
		d.wants[best].Rows, d.without = 1, 0
	}
}

// addDraft puts the draft of a sequence into the batch, and returns how many tokens it
// has.
func (l *Loop) addDraft(g *Generation) int {
	a := g.seq.guesses
	a.row = l.batch.Len()
	for k, token := range a.tokens {
		l.batch.Add(token, len(g.seq.tokens)+k, g.seq.id, true)
	}
	return len(a.tokens)
}

// draftBudget is what drafts get of a step.
func (l *Loop) draftBudget(decodes, prompts int) draft.Budget {
	policy, ok := l.config.Pacing.(drafter)
	if !ok {
		return draft.Budget{}
	}
	may := policy.Drafts(l.demand(decodes), prompts, draftPart)
	return draft.Budget{
		Tokens: decodes, StepSeconds: may.StepSeconds, RowSeconds: may.RowSeconds,
		Rows: min(may.Rows, l.limits.BatchTokens-l.batch.Len(), l.scoreLeft),
	}
}

// wantDrafts finds drafts for the sequences of the highest tier that decode, unless a
// higher one may come: then the step is to be short.
func (l *Loop) wantDrafts() {
	d := &l.drafting
	d.who, d.wants = d.who[:0], d.wants[:0]
	top := ask.TierBackground
	for _, g := range l.live {
		if g.seq.piece > 0 {
			top = max(top, g.ticket.Source.Tier)
		}
	}
	if l.yields(top) > 0 {
		return
	}
	for _, g := range l.live {
		s := &g.seq
		a := s.guesses
		if a == nil || s.row < 0 || s.piece != 1 || s.scoreRows > 0 || g.ticket.Source.Tier != top {
			continue
		}
		most := min(a.most, g.space()-1, l.roomLeft(s)-1)
		if most < max(a.least, 1) {
			continue
		}
		chance := l.likelier(s, most)
		if chance == 0 {
			continue
		}
		d.who = append(d.who, g)
		d.wants = append(d.wants, draft.Want{Chance: chance, Least: a.least, Most: most})
	}
}

// roomLeft is how many tokens a sequence takes until it is complete, or full: a full one
// is shifted, if it goes on, before the next token.
func (l *Loop) roomLeft(s *sequence) int {
	return min(s.limit-s.length(), l.limits.SequenceTokens-len(s.tokens))
}

// moved acts on tokens that a shift has dropped: the others are at other places now.
func (a *guesses) moved() {
	if a == nil {
		return
	}
	a.known = 0
	if a.index != nil {
		a.index = draft.NewIndex(a.match)
	}
}

// likelier chooses who guesses up to most tokens for a sequence, and returns how likely a
// token of theirs is right, 0 if there is nobody.
func (l *Loop) likelier(s *sequence, most int) (chance float64) {
	a := s.guesses
	of := func(matched int) float64 {
		return a.rates.Chance(matched, l.drafting.rates.Chance(matched, draft.Prior))
	}
	a.matched = draft.ByModel
	if l.scout.knows(s, most) {
		chance = of(draft.ByModel)
	}
	if a.index == nil {
		return chance
	}
	if at, matched := a.index.Find(s.tokens); matched > 0 {
		if found := of(matched); found >= chance {
			a.at, a.matched, chance = at, matched, found
		}
	}
	return chance
}

// readDraft takes the rows of a draft from the engine, as far as it has them. Engine
// goroutine.
func (s *sequence) readDraft(c engine.Context) {
	a := s.guesses
	if a == nil {
		return
	}
	a.logits = a.logits[:0]
	for i := range a.tokens {
		logits, err := c.Logits(a.row + i)
		if err != nil {
			s.err = err
			return
		}
		a.logits = append(a.logits, logits)
	}
}

// rowLogits is the logits behind so many tokens of a draft, nil if there are none.
func (s *sequence) rowLogits(drafted int) []float32 {
	if drafted == 0 {
		return s.logits
	}
	if a := s.guesses; a != nil && drafted <= len(a.logits) {
		return a.logits[drafted-1]
	}
	return nil
}

// drafts reports whether a token is the draft's at a place.
func (s *sequence) drafts(at int, token engine.Token) bool {
	return s.guesses != nil && at < len(s.guesses.tokens) && s.guesses.tokens[at] == token
}

// endDraft takes what was right of a draft as computed, cuts the rest off the cache, and
// learns from it. next are the tokens that the step has given, and are in s.tokens. It
// returns how many were right. Engine goroutine.
func (l *Loop) endDraft(g *Generation, next []engine.Token) (right int) {
	s := &g.seq
	a := s.guesses
	if a == nil || len(a.tokens) == 0 {
		return 0
	}
	drafted := len(a.tokens)
	for right < len(next) && s.drafts(right, next[right]) {
		right++
	}
	a.rates.Learn(a.matched, drafted, right, draft.Memory)
	l.drafting.rates.Learn(a.matched, drafted, right, draft.LoopMemory)
	a.tokens = a.tokens[:0]
	clear(a.logits)
	g.drafted.Add(int32(drafted))
	g.accepted.Add(int32(right))
	l.counters.drafts.Add(1)
	l.counters.drafted.Add(uint64(drafted))
	l.counters.accepted.Add(uint64(right))
	s.cached += right
	l.waiting.Computed(&g.ticket, s.cached+s.dropped)
	if right < drafted && !l.context.RemoveSequence(s.id, s.cached, -1) {
		l.uncut(g)
	}
	return right
}

// uncut acts on an engine that has not cut a draft off: the sequence is computed again,
// if it goes on, and nothing is drafted any more.
func (l *Loop) uncut(g *Generation) {
	l.drafting.stopped = true
	l.config.Log.Error("engine cannot cut a sequence: nothing is drafted from now on", "sequence", g.seq.id)
	g.seq.stays = false
	l.putBack(slices.Index(l.live, g))
}

// dropDrafts reports whether a batch that did not fit had drafts: then the next ones
// have none.
func (l *Loop) dropDrafts(did *Step) bool {
	if did.DraftRows == 0 {
		return false
	}
	l.drafting.rest = draftRest
	l.abandonDrafts()
	return true
}

// abandonDrafts forgets the drafts of a step that came to nothing.
func (l *Loop) abandonDrafts() {
	for _, g := range l.live {
		if a := g.seq.guesses; a != nil {
			a.tokens = a.tokens[:0]
		}
	}
}

// len is how many tokens the draft under way has.
func (a *guesses) len() int {
	if a == nil {
		return 0
	}
	return len(a.tokens)
}
