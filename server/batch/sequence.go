package batch

import (
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

// sequence is a generation as the engine goroutine sees it; after Submit it
// belongs to who holds Loop.own.
//
// It begins waiting, in Loop.queue and then in Loop.waiting. Admission gives it
// an id and puts it into Loop.live. There it is
//
//	prefilling  more than one token is not in the cache: it gets pieces
//	decoding    exactly one is not: that token is its row of the next batch,
//	            or of a later one while higher tiers decode
//	paused      in either case, while its reader is behind: it gets nothing
//
// Eviction takes its id and cache away and puts it back at the head of its flow in
// Loop.waiting, tokens and sampler kept: to prefill it again is all it takes to
// go on where it was. Preemption does the same, and saves the cache's state if it
// can, so that not even that is to be done. It ends, from any state, with a ask.FinishReason: at a
// sampled end of generation, at its length, when it is cancelled, or with an
// error; ending frees id and cache, or leaves its tokens in their place if they
// are to be kept, and publishes the Finish.
//
// A shift (see shift.go) takes tokens out of the middle: token i is always the one at
// position i of the context.
type sequence struct {
	sampler     sampling.Sampler
	past        *sampling.Sequence // that the sampler has not begun with: it takes memory that who waits need not have
	ignoreEOS   bool
	constrained bool
	full        bool // limit is the context's, not the request's
	ended       bool
	paused      bool
	arrived     bool // the engine goroutine has received it
	marks       bool // what is computed of the prompt is told
	keep        bool // the client is told its place, and finds there what it leaves
	reuses      bool // begin with what is computed already
	stays       bool // leave what is computed
	over        bool // the last of next ends the generation
	scores      bool // the prompt's tokens are results, too
	drawn       bool // Request.PostSampling, with log-probabilities

	scored     int            // of the prompt's tokens that are results, or need not be
	tokens     []engine.Token // prompt, then what was generated, but for what shifts dropped
	prompt     int            // tokens of the prompt
	dropped    int            // tokens that shifts have taken out
	limit      int            // tokens at which it ends with ask.FinishLength, dropped ones included
	shift      ask.Shift
	cached     int               // tokens in the KV cache
	id         engine.SequenceID // -1 while it is not live
	slot       engine.SequenceID // the one place that it goes to, or -1
	marked     int               // of the prompt, what was told last; -1 for nothing
	tpot       time.Duration     // the objective of its client, 0 for none
	key        string            // of those who may begin with what is computed of it
	deadline   int64             // when the answer is of no use any more, by sinceStart; 0 for never
	roomTokens int               // that Loop.room counts while it waits for the first time
	saved      *saved            // when it was preempted; nil for nothing
	fetch      fetch
	turn       int // tokens that there were when it was admitted last

	awaited       *Generation // whose prompt it waits for, nil for nobody's: see awaits
	awaitedTokens int         // of it

	piece     int // tokens in the batch of this step
	row       int // the row that gives its next token, or -1
	scoreRow  int // the first of those before it
	scoreRows int // that give the scores of the prompt's next tokens

	// Of those rows, from their decode to the end of the step.
	err         error // why there is no token, or no other
	logits      []float32
	scoreLogits [][]float32
	next        []engine.Token  // sampled from logits, and from those of a draft
	one         [1]engine.Token // next, of one

	expiry  int32    // where it is in Loop.deadlines, counted from 1; 0 for nowhere
	guesses *guesses // nil if nothing is drafted

	submitted, admitted, first int64 // by sinceStart; 0: not yet
	*spending
}

// growTokens is how much room for generated tokens a sequence starts with. From there
// on it doubles.
const growTokens = 32

// newSequence makes the sequence of a checked request, which has at most mostTokens.
func newSequence(r *ask.Request, mostTokens int) sequence {
	limit, full := mostTokens, true
	switch {
	case r.MaxTokens < 0:
		limit, full = len(r.Prompt.Tokens), false
	case r.MaxTokens > 0 && r.MaxTokens < mostTokens-len(r.Prompt.Tokens):
		limit, full = len(r.Prompt.Tokens)+r.MaxTokens, false
	}
	tokens := make([]engine.Token, len(r.Prompt.Tokens), min(limit, len(r.Prompt.Tokens)+growTokens))
	copy(tokens, r.Prompt.Tokens)
	s := sequence{
		ignoreEOS: r.IgnoreEOS,
		tokens:    tokens,
		prompt:    len(tokens),
		limit:     limit,
		full:      full,
		shift:     r.Shift,
		id:        -1,
		slot:      engine.SequenceID(r.Slot - 1),
		keep:      r.Keep,
		tpot:      time.Duration(r.TPOTNs),
		marked:    -1,
		submitted: sinceStart(),
	}
	if r.TimeoutNs > 0 {
		s.deadline = s.submitted + r.TimeoutNs
	}
	return s
}

// pending returns the tokens that are not in the cache yet, at least one.
func (s *sequence) pending() int { return len(s.tokens) - s.cached }

// length returns the tokens that there were so far, of prompt and answer.
func (s *sequence) length() int { return len(s.tokens) + s.dropped }

// generated returns the tokens sampled so far.
func (s *sequence) generated() int { return s.length() - s.prompt }

// begin tells the sampler of the sequence, once.
func (s *sequence) begin() {
	if s.past != nil {
		s.past.Prompt = s.tokens[:s.prompt]
		s.sampler.Begin(*s.past)
		s.past = nil
	}
}

// complete reports whether nothing more is wanted of the sequence.
func (s *sequence) complete() bool {
	return s.length() >= s.limit && (!s.scores || s.scored == s.prompt)
}

// runnable reports whether the sequence takes part in the next batch, and
// pauses or resumes it by the state of the generation's ring.
func (s *sequence) runnable(g *Generation) bool {
	free, needs := g.space(), 1
	if s.marks {
		needs++ // a mark comes before the token
	}
	if s.paused {
		if 2*free < g.results.limit {
			return false
		}
		// Both go down together: a reader that still sees the flag wakes an
		// engine that is awake.
		s.paused = false
		s.account.caught(sinceStart())
		g.stalled.Store(false)
		return true
	}
	if free >= needs {
		return true
	}
	// Stalled now, and looked at once more by park before the engine sleeps:
	// a reader that has missed the flag has been seen by then.
	s.paused = true
	s.account.fell(sinceStart())
	g.stalled.Store(true)
	return false
}

// times fills the durations of a finish at now.
func (s *sequence) times(f *Finish, now int64) {
	admitted, first := s.admitted, s.first
	if admitted == 0 {
		admitted = now
	}
	if first == 0 {
		first = now
	}
	f.Queue, f.Prefill, f.Decode = time.Duration(admitted-s.submitted), time.Duration(first-admitted), time.Duration(now-first)
}
