package sampling

import (
	"cmp"
	"math"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// Sequence is what a sampler must know of the sequence that it draws for, where
// the steps depend on it. Its zero value is a sequence of nothing.
type Sequence struct {
	Prompt []ask.Token // is read by Begin alone
	// Ends has a bit for each token that ends a generation; MinTokens is how
	// many others come first.
	Ends       []uint64
	MinTokens  int
	Breakers   *Breakers  // of DRY, instead of ask.DRY.Breakers
	Constraint Constraint // nil for none
}

// edits are the steps that change logits, and those that forbid tokens.
type edits struct {
	bias       []ask.Bias // a token once
	penalties  *penalties
	dry        *dry
	ends       []uint64
	minTokens  int // that are yet to come before ends may be drawn
	constraint Constraint
	allowed    []uint64 // the constraint's, if ready
	ready      bool
}

// Begin names the sequence, before the first token is drawn. It takes time
// linear in the prompt.
func (s *Sampler) Begin(q Sequence) {
	e := edits{
		bias:       mergeBias(s.steps.Bias),
		penalties:  newPenalties(s.steps.Penalties, q.Prompt),
		dry:        newDRY(s.steps.DRY, q.Prompt, q.Breakers),
		constraint: q.Constraint,
	}
	if q.MinTokens > 0 {
		e.ends, e.minTokens = q.Ends, q.MinTokens
	}
	s.edits = nil
	if len(e.bias) > 0 || e.penalties != nil || e.dry != nil || e.minTokens > 0 || e.constraint != nil {
		s.edits = new(edits) // not e, which would be made for those who need none
		*s.edits = e
	}
}

// Accept moves the sequence on by a token that was drawn.
func (s *Sampler) Accept(token ask.Token) {
	e := s.edits
	if e == nil {
		return
	}
	if e.minTokens > 0 {
		e.minTokens--
	}
	if e.penalties != nil {
		e.penalties.add(token)
	}
	if e.dry != nil {
		e.dry.add(token)
	}
	if e.constraint != nil {
		e.constraint.Accept(token)
		e.allowed, e.ready = nil, false
	}
}

// Constrained reports whether the sequence is held to a form.
func (s *Sampler) Constrained() bool { return s.edits != nil && s.edits.constraint != nil }

// Free reports that no constraint is to be asked about the next token.
func (s *Sampler) Free() bool {
	if !s.Constrained() {
		return true
	}
	waits, ok := s.edits.constraint.(Waiting)
	return ok && waits.Free()
}

// Prepare asks the constraint what may come next, if nobody has: it needs no
// logits, so it can be done while they are computed. What is drawn is the same
// without it.
func (s *Sampler) Prepare() {
	if e := s.edits; e != nil && e.constraint != nil && !e.ready {
		e.allowed, e.ready = e.constraint.Allowed(), true
	}
}

// mergeBias adds up what is said of the same token.
func mergeBias(list []ask.Bias) []ask.Bias {
	if len(list) == 0 {
		return nil
	}
	merged := slices.Clone(list)
	slices.SortStableFunc(merged, func(a, b ask.Bias) int { return cmp.Compare(a.Token, b.Token) })
	n := 0
	for _, b := range merged {
		b.Add = number32(b.Add)
		if n > 0 && merged[n-1].Token == b.Token {
			merged[n-1].Add = sum(merged[n-1].Add, b.Add)
			continue
		}
		merged[n] = b
		n++
	}
	return slices.DeleteFunc(merged[:n], func(b ask.Bias) bool { return b.Add == 0 })
}

// sum adds what may be minus infinity, which stays.
func sum(v, add float32) float32 {
	if v == negativeInfinity || add == negativeInfinity {
		return negativeInfinity
	}
	return finite(v + add)
}

// idle reports whether the steps leave the next row as it is, save for what the
// constraint forbids.
func (e *edits) idle() bool {
	return len(e.bias) == 0 && e.minTokens == 0 && e.dry == nil && (e.penalties == nil || len(e.penalties.seen) == 0)
}

// apply carries the steps out in a row. A value that is not a number is minus
// infinity from then on.
func (e *edits) apply(row []float32) {
	for _, b := range e.bias {
		if b.Token < 0 || int(b.Token) >= len(row) || !(row[b.Token] > negativeInfinity) {
			continue
		}
		row[b.Token] = sum(row[b.Token], b.Add)
	}
	if e.penalties != nil {
		e.penalties.apply(row)
	}
	if e.dry != nil {
		e.dry.apply(row)
	}
	if e.allowed != nil {
		mask(row, e.allowed)
	}
	if e.minTokens > 0 && !e.over() {
		forbid(row, e.ends)
	}
}

// over reports whether the constraint allows nothing but an end: MinTokens
// cannot be had then.
func (e *edits) over() bool {
	if e.allowed == nil {
		return false
	}
	for at, word := range e.allowed {
		if at < len(e.ends) {
			word &^= e.ends[at]
		}
		if word != 0 {
			return false
		}
	}
	return true
}

// own puts a copy into the place of the row that was read, until restore.
func (r *Row) own() {
	if r.read == nil {
		r.read, r.readGreatest = r.logits, r.greatest
		r.edited = append(r.edited[:0], r.logits...)
		r.logits = r.edited
	}
}

// restore puts the row back that was read.
func (r *Row) restore() {
	if r.read != nil {
		r.logits, r.greatest, r.read = r.read, r.readGreatest, nil
	}
}

// edit changes a copy of the row. It fails with ErrNoneAllowed.
func (r *Row) edit(e *edits) error {
	r.own()
	e.apply(r.logits)
	r.greatest = maximum(r.logits)
	if math.IsInf(float64(r.greatest), 0) {
		return ErrNoneAllowed
	}
	return nil
}
