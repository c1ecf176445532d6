package engine

// ShiftingContext is a Context where tokens in the middle of a sequence can be
// dropped, so that a full sequence goes on.
type ShiftingContext interface {
	Context
	// CanShift reports whether ShiftSequence is of use at all.
	CanShift() bool
	// ShiftSequence drops positions [from, to) of a sequence, and moves what comes
	// after them down by as many. What stays is not computed again: it goes on as if
	// what was dropped had been said. It reports false, and the sequence is as it was,
	// if the engine cannot do that. A Decode comes before any other use of the
	// sequence, but for RemoveSequence.
	ShiftSequence(seq SequenceID, from, to int) bool
}
