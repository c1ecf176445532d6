package engine

import "errors"

// ErrState: a state does not fit, or is none. Engines wrap it.
var ErrState = errors.New("engine: the state does not fit")

// StateContext is a Context whose sequences can be taken out of the KV cache and
// put back, also by another process.
//
// A state is what the engine has computed of a sequence's tokens at positions 0
// and on. It says neither which tokens these are nor which sequence it was: who
// keeps it keeps the tokens beside it.
type StateContext interface {
	Context
	// StateIdentity names what states are good for: the same model and the same
	// form. It is "" if states of this model cannot be had.
	StateIdentity() string
	// StateBytes is how much room SaveSequence needs for a sequence.
	StateBytes(seq SequenceID) int
	// SaveSequence writes the state of a sequence of so many tokens, at least one,
	// and returns it, a part of room. The sequence stays as it is.
	SaveSequence(seq SequenceID, tokens int, room []byte) (state []byte, err error)
	// RestoreSequence fills an empty sequence with the state of so many tokens. A
	// state that is not one is refused with ErrState, and leaves the sequence empty.
	RestoreSequence(seq SequenceID, tokens int, state []byte) error
}
