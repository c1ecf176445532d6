package batch

import (
	"iter"
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/queue"
)

// tiers is what the loop remembers of tiers. It belongs to who holds Loop.own.
type tiers struct {
	seen   [ask.Tiers]int64   // when a request of each was there, by sinceStart
	prompt [ask.Tiers]float64 // tokens of a prompt of each, lately
	turn   int                // who of lower tiers decodes next
	alone  int                // steps in a row that a prompt of a higher tier had to itself

	rows, seconds float64 // of a step, lately
}

const (
	// besidePart is by which part a step of a higher tier may take longer for those
	// of lower ones.
	besidePart = 0.08
	// forbearance is how many tokens a tier is short of before steps of a higher one take
	// longer for it: what is less it gets when none of a higher one is under way.
	forbearance = 16
	// mostAlone is how many steps in a row are a prompt's alone, while nobody of its tier
	// decodes. Engines compute sequences together as far as they have as many rows: beside
	// a prompt, a row of another sequence costs as much as a step of its own.
	mostAlone = 8
	// yieldingShare is how long a step of a tier takes, while a higher one may come,
	// as a part of what one of its prompts takes; what a step takes without rows is not
	// counted. leastYielding is the fewest rows for that. Where it is not known what
	// steps take, they are the yieldingPart'th part of Config.PrefillTokens.
	yieldingShare = 0.08
	leastYielding = 4
	yieldingPart  = 4
	// promptMemory is how many prompts count for how long they are.
	promptMemory = 16
	// leastTurn is how many tokens a sequence generates before it gives its place to
	// another key, and turnPart of what part of its tokens: it may have to compute
	// all of them again.
	leastTurn = 128
	turnPart  = 4
	// yieldingNs is for how long after its last request a higher tier may come.
	yieldingNs = 30e9
)

// besider is a policy that foresees what steps take.
type besider interface {
	Beside(decodes, prompts int, part float64) (rows int)
}

// newTicket makes the ticket of a generation for a checked request.
func newTicket(g *Generation, r *ask.Request) queue.Ticket[*Generation] {
	due := int64(ask.DefaultTTFTNs)
	if r.TTFTNs > 0 {
		due = r.TTFTNs
	}
	return queue.Ticket[*Generation]{
		Value:  g,
		Source: queue.Source{Tier: tierOf(r), Key: r.Tenant.Name, Weight: r.Tenant.Weight, Flow: r.Tenant.Flow},
		Prompt: g.seq.prompt, Answer: g.seq.limit - g.seq.prompt, Ahead: g.seq.prompt,
		Due: g.seq.submitted + due,
	}
}

// tierOf is a request's tier.
func tierOf(r *ask.Request) ask.Tier {
	return max(ask.TierBackground, min(r.Tenant.Tier, ask.TierPriority))
}

// all gives the generations that wait and those that are live. The one that was given
// may be finished.
func (l *Loop) all() iter.Seq[*Generation] {
	return func(yield func(*Generation) bool) {
		for t := range l.waiting.All() {
			if !yield(t.Value) {
				return
			}
		}
		for _, g := range l.live {
			if !yield(g) {
				return
			}
		}
	}
}

// arrive has a new generation wait.
func (l *Loop) arrive(g *Generation) {
	l.waiting.Push(&g.ticket)
	tier := g.ticket.Source.Tier.Index()
	l.tiers.seen[tier] = sinceStart()
	if mean := &l.tiers.prompt[tier]; *mean == 0 {
		*mean = float64(g.seq.prompt)
	} else {
		*mean += (float64(g.seq.prompt) - *mean) / promptMemory
	}
	g.seq.arrived = true
	l.deadlines.add(g)
}

// lowest is the lowest tier that is live.
func (l *Loop) lowest() ask.Tier {
	lowest := ask.TierPriority
	for _, g := range l.live {
		lowest = min(lowest, g.ticket.Source.Tier)
	}
	return lowest
}

// top is the highest tier that takes part in steps.
func (l *Loop) top() ask.Tier {
	top := ask.TierBackground
	for _, g := range l.live {
		if tier := g.ticket.Source.Tier; tier > top && g.seq.runnable(g) {
			top = tier
		}
	}
	if len(l.live) > 0 {
		l.tiers.seen[top.Index()] = l.pacing.began
	}
	return top
}

// yields is how many rows a step of a tier may have because a higher tier was there
// lately, 0 for any number. Who comes waits for the step under way: it is to be short
// against what a prompt of the higher tier takes.
func (l *Loop) yields(top ask.Tier) (rows int) {
	for tier := top + 1; tier <= ask.TierPriority; tier++ {
		at, tokens := l.tiers.seen[tier.Index()], l.tiers.prompt[tier.Index()]
		if at == 0 || l.pacing.began-at >= yieldingNs {
			continue
		}
		n := l.config.PrefillTokens / yieldingPart
		if p, ok := l.config.Pacing.(besider); ok {
			if foreseen := p.Beside(0, int(tokens), yieldingShare); foreseen > 0 {
				n = foreseen
			}
		}
		if rows == 0 || n < rows {
			rows = max(n, leastYielding)
		}
	}
	// What it is short of is made good now, before a higher tier's steps take longer for it.
	rows = max(rows, min(2*rows, l.waiting.Owes(top)))
	return min(rows, l.limits.BatchTokens)
}

// lowerRows is how many rows those of lower tiers get in a step that has so many of the
// highest: what lets it take little longer.
func (l *Loop) lowerRows(decodes, prompts int) (rows int) {
	if p, ok := l.config.Pacing.(besider); ok {
		rows = p.Beside(decodes, prompts, besidePart)
	}
	if l.pacing.tpot > 0 {
		rows = min(rows, l.decide(decodes).PromptTokens-prompts)
	}
	return rows
}

// besides reports whether lower tiers take part in a step that has so many rows of the
// highest.
func (t *tiers) besides(decodes, prompts int) bool {
	if decodes > 0 || prompts == 0 || t.alone >= mostAlone {
		t.alone = 0
		return true
	}
	t.alone++
	return false
}

// planLower puts those of tiers below one into a batch that has so many rows of
// higher ones, and returns the rows that it then has. They get room rows together, the
// higher of them first, and each the part of the tokens that is owed to it.
func (l *Loop) planLower(above ask.Tier, decodes, prompts, room int) (int, int) {
	owed := partOf(decodes + prompts)
	for tier := above - 1; tier >= ask.TierBackground; tier-- {
		n, least := room, 0
		if l.waiting.Owes(tier) > forbearance {
			n, least = max(n, owed), 1
		}
		n = min(n, l.limits.BatchTokens-l.batch.Len())
		if n <= 0 {
			continue
		}
		before := l.batch.Len()
		d := l.planDecodes(tier, n-l.pieces(tier, n))
		left := min(n-d, l.promptLimit-prompts)
		if decodes+d > 0 {
			left = min(left, max(least, l.decide(decodes+d).PromptTokens-prompts))
		}
		if left > 0 {
			l.planPieces(tier, left)
		}
		rows := l.batch.Len() - before
		decodes, prompts, room = decodes+d, prompts+rows-d, room-rows
	}
	return decodes, prompts
}

// pieces is how many of n rows of a tier are kept for its prompts: a quarter, if it
// has some, so that they get on however many decode.
func (l *Loop) pieces(tier ask.Tier, n int) int {
	for _, g := range l.live {
		if l.takesPieces(g, tier) {
			return min(n/4, l.promptLimit)
		}
	}
	return 0
}

// partOf is a tier's part of n, one at least.
func partOf(n int) int { return max(1, (n+queue.Part-1)/queue.Part) }

// keptFree is how many rows of a batch are left to lower tiers that take part in steps,
// because they are owed to them.
func (l *Loop) keptFree(top ask.Tier) (rows int) {
	for tier := ask.TierBackground; tier < top; tier++ {
		if l.waiting.Owed(tier) && l.liveOf(tier) > 0 {
			rows += partOf(l.limits.BatchTokens)
		}
	}
	return rows
}

// planDecodes gives rows to at most n decoding sequences of a tier, in turns, and
// returns to how many.
func (l *Loop) planDecodes(tier ask.Tier, n int) (rows int) {
	begin := l.tiers.turn
	for i := range l.live {
		at := (begin + i) % len(l.live)
		g := l.live[at]
		s := &g.seq
		if s.paused || s.pending() > 1 || g.ticket.Source.Tier != tier {
			continue
		}
		if rows == n {
			break
		}
		s.piece = 1
		s.row = l.batch.Add(s.tokens[s.cached], s.cached, s.id, true)
		l.pacing.row(l.config.TPOT, s)
		l.tiers.turn = at + 1
		rows++
	}
	return rows
}

// preempt gives places of lower tiers to those of higher ones that wait for one. A
// tier that has had less than its part of the tokens keeps its part of the places.
func (l *Loop) preempt() {
	// What was copied cannot be saved before the next decode: then it is that step's.
	for !l.copied && l.waiting.Len() > 0 && len(l.live) > 0 && l.waiting.WaitsAbove(l.lowest()) {
		if l.yielding(l.waiting.Highest()) < 0 {
			return // nobody yields: who comes first need not be known
		}
		g := l.firstAbove(l.lowest())
		if g == nil {
			return
		}
		i := l.yielding(g.ticket.Source.Tier)
		if i < 0 {
			return
		}
		if !l.replace(i, g) {
			return
		}
	}
}

// replace gives live[i]'s place to a generation that waits. It reports false if the
// place is lost.
func (l *Loop) replace(i int, g *Generation) bool {
	l.save(&l.live[i].seq)
	l.putBack(i)
	l.counters.preempted.Add(1)
	if free := l.choose(&g.seq); free < 0 || !l.occupy(g, free) {
		return false
	}
	l.admitOne(g)
	return true
}

// takeTurns gives who is next, and has nothing in the batch, the place of one who has
// several: of those that have generated some tokens there, the one admitted last. So
// long answers of one key do not keep others out until they end.
func (l *Loop) takeTurns() {
	if l.waiting.Len() == 0 || l.hold || l.copied || len(l.free) > 0 || !slices.ContainsFunc(l.live, (*Generation).hadTurn) {
		return
	}
	for t := range l.waiting.InOrder() {
		if g := t.Value; g.seq.slot < 0 && t.Unserved() && !l.awaits(g) && !l.fetches(&g.seq) {
			for i, other := range slices.Backward(l.live) {
				if other.ticket.YieldsTo(t) && other.hadTurn() {
					l.replace(i, g)
					break
				}
			}
		}
		return // who comes after that is not next
	}
}

// hadTurn reports whether a live generation is one of several of its key, and has
// generated enough in its place to give it to who has none.
func (g *Generation) hadTurn() bool {
	s := &g.seq
	return g.ticket.OneOfSeveral() && s.length()-s.turn >= max(leastTurn, s.cached/turnPart)
}

// firstAbove is the first that waits of a tier above, for any place and for nobody's
// prompt; nil if there is none.
func (l *Loop) firstAbove(tier ask.Tier) *Generation {
	awaiting := 0
	for t := range l.waiting.InOrder() {
		switch g := t.Value; {
		case t.Source.Tier <= tier || g.seq.slot >= 0 || l.fetches(&g.seq):
		case !l.awaits(g):
			return g
		default:
			if awaiting++; awaiting == l.config.MaxSequences {
				return nil
			}
		}
	}
	return nil
}

// yielding finds who gives its place to a tier, -1 for nobody: of the lowest tier
// that may, the one admitted last, or one that is paused.
func (l *Loop) yielding(to ask.Tier) int {
	best, part := -1, partOf(l.config.MaxSequences)
	for i, g := range slices.Backward(l.live) {
		tier := g.ticket.Source.Tier
		if tier >= to || l.waiting.Covers(tier) || l.waiting.Owed(tier) && l.liveOf(tier) <= part {
			continue
		}
		if best >= 0 {
			chosen := l.live[best]
			if tier > chosen.ticket.Source.Tier || tier == chosen.ticket.Source.Tier && (chosen.seq.paused || !g.seq.paused) {
				continue
			}
		}
		best = i
	}
	return best
}

func (l *Loop) liveOf(tier ask.Tier) (n int) {
	for _, g := range l.live {
		if g.ticket.Source.Tier == tier {
			n++
		}
	}
	return n
}
