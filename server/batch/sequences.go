package batch

// SequenceState is what is in a place of the batch.
type SequenceState struct {
	Busy                 bool
	PromptTokens, Cached int
	Generated, Remaining int // tokens of the answer
	Paused               bool
	Drafts               bool // tokens are guessed for it or, of a free place, may be
}

// Sequences gives the state of each place in the batch. It waits for the engine
// goroutine between two decodes, and for no decode. So that this one does not wait for
// a caller that is stopped, for want of a processor or of quota, the caller visits the
// engine's group meanwhile.
func (l *Loop) Sequences() (states []SequenceState) {
	states = make([]SequenceState, l.config.MaxSequences)
	look := func() { l.copyStates(states) }
	if group := l.config.Group; group == nil || group.Do(look) != nil { // then it has not called it
		look()
	}
	return states
}

// copyStates is Sequences in whatever group.
func (l *Loop) copyStates(states []SequenceState) {
	l.own.Lock()
	defer l.own.Unlock()
	for i := range states {
		states[i].Drafts = (l.config.Draft.Lookup || l.scout != nil) && !l.drafting.stopped
	}
	for _, g := range l.live {
		s := &g.seq
		if s.ended || s.id < 0 || int(s.id) >= len(states) {
			continue
		}
		states[s.id] = SequenceState{
			Busy: true, PromptTokens: s.prompt, Cached: s.cached,
			Generated: s.generated(), Remaining: s.limit - s.length(), Paused: s.paused,
			Drafts: s.guesses != nil && !l.drafting.stopped,
		}
	}
}
