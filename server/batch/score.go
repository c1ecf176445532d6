package batch

import (
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

// Scores of a prompt are log-probabilities of its tokens, each read from the row
// of the token before it. They go through the ring like what is generated: a
// reader that is behind slows its own prompt down.

// scoreBytes bounds the logits that a step computes for scores, which the engine
// keeps in memory until the next one.
const scoreBytes = 64 << 20

// scoreLimit is how many prompt tokens a step scores at most.
func (l *Loop) scoreLimit() int { return max(1, scoreBytes/(4*max(l.vocab, 1))) }

// growScored is grow for a sequence whose prompt is scored. Each place from
// scored-1 on gives a result: those have to fit into the ring, and into what the
// step may score. Those before have given theirs, and were evicted since.
func (l *Loop) growScored(g *Generation, n int) int {
	s := &g.seq
	given := max(0, s.scored-1-s.cached)
	results := max(0, s.piece-given)
	n = max(0, min(n, given+min(g.space(), results+l.scoreLeft)-s.piece))
	l.scoreLeft -= max(0, s.piece+n-given) - results
	return n
}

// read takes the rows of a sequence from the engine. Engine goroutine.
func (s *sequence) read(c engine.Context) {
	s.scoreLogits = s.scoreLogits[:0]
	for i := range s.scoreRows {
		logits, err := c.Logits(s.scoreRow + i)
		if err != nil {
			s.err, s.scoreRows = err, 0
			return
		}
		s.scoreLogits = append(s.scoreLogits, logits)
	}
	if s.row >= 0 {
		if s.logits, s.err = c.Logits(s.row); s.err == nil {
			s.readDraft(c)
		}
	}
}

// score fills the ring's free slots with the scores that were read, and returns
// how many.
func (g *Generation) score(row *sampling.Row) (n int, err error) {
	s := &g.seq
	for i, logits := range s.scoreLogits {
		if err := row.Read(logits); err != nil {
			return i, err
		}
		g.fill(g.next(i), s.tokens[s.scored+i], row, logits)
	}
	return s.scoreRows, nil
}

// fill puts a token and, if they are asked for, its log-probabilities into a
// slot.
func (g *Generation) fill(at int, token engine.Token, row *sampling.Row, logits []float32) {
	g.results.set(at, token)
	if g.topN >= 0 {
		top := g.likeliestAt(at)
		g.of[at] = sampling.Odds{Logit: logits[token], Normalizer: row.Normalizer(), Top: len(top)}
		row.Top(top)
	}
}
