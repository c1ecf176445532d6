package batch

import "github.com/weirgo/weir/server/batch/prefix"

// Who begins like a prompt that is being computed waits until that is done, and then
// begins with a copy: of several that come together with one prompt it is computed
// once. Its place is kept for it meanwhile.

// awaits reports whether a generation that waits had better do so until another's
// prompt is computed as far as both begin alike. That costs it a step at most, in which
// it computes what is left after the copy, and saves it the tokens of the copy: it
// waits where they take longer than a step. Whom it awaits is of its own tier or a
// higher one, and gets on.
func (l *Loop) awaits(g *Generation) bool {
	s := &g.seq
	if s.awaited != nil {
		if s.awaited.seq.reaches(s.awaitedTokens) {
			return true
		}
		s.awaited = nil
	}
	if s.admitted != 0 || s.slot >= 0 || !s.reuses || s.scores || len(l.live) == 0 || !l.context.CanCopy() {
		return false
	}
	tokens := s.tokens[:len(s.tokens)-1] // the last one's logits are wanted
	decodes, shared := 0, 0
	for _, other := range l.live {
		o := &other.seq
		if o.pending() <= 1 {
			decodes++
			continue
		}
		if !o.stays || o.key != s.key || other.ticket.Source.Tier < g.ticket.Source.Tier {
			continue
		}
		if n := prefix.Common(o.tokens[:o.prompt], tokens); n > shared && o.reaches(n) {
			s.awaited, s.awaitedTokens, shared = other, n, n
		}
	}
	if shared > 0 {
		_, there := l.prefixes.Match(s.key, tokens, nil)
		if shared-there >= max(l.leastCopy(), l.stepTokens(decodes)) {
			return true
		}
	}
	s.awaited = nil
	return false
}

// reaches reports whether a sequence is about to have so many tokens computed.
func (s *sequence) reaches(tokens int) bool {
	return !s.ended && s.id >= 0 && !s.paused && s.dropped == 0 && s.cached < tokens
}

// stepTokens is how many tokens of a prompt take as long as a step of so many sequences
// that decode: by what steps have cost or, where that is not known, what a step takes
// at most beside them.
func (l *Loop) stepTokens(decodes int) int {
	if p, ok := l.config.Pacing.(besider); ok {
		if n := p.Beside(decodes, 1, 1); n > 0 {
			return n
		}
	}
	return l.config.PrefillTokens
}
