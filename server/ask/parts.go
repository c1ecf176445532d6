package ask

import "time"

// Parts is where the time of a generation went while it was in the batch, in ns. Each
// moment is in one of them.
type Parts struct {
	// Wait is of steps, and of other decodes, that it had no part in: those of
	// higher tiers, of who came before, of embeddings, of decodes that failed.
	Wait int64
	// Reader is when nothing was computed for it because its client had not taken
	// what was ready.
	Reader int64
	// Prompts is of the decodes it had a part in, by its share of their rows, what
	// they took for others' prompts.
	Prompts int64
	// Decode is the rest of those decodes.
	Decode int64
	// Sampling is of drawing all the tokens of its steps.
	Sampling int64
	// Engine is all else of its steps: what the engine's goroutine does around a
	// decode, and when Go did not let it run.
	Engine int64
	// Delayed is of its steps, decodes first, when the engine's thread was ready and
	// had no core: other processes had them, or other threads of this one. Of its
	// further threads it is not known.
	Delayed int64
}

// Sum is the whole of them, in ns.
func (p *Parts) Sum() int64 {
	return p.Wait + p.Reader + p.Prompts + p.Decode + p.Sampling + p.Engine + p.Delayed
}

// Add adds another stretch of time.
func (p *Parts) Add(q *Parts) {
	p.Wait += q.Wait
	p.Reader += q.Reader
	p.Prompts += q.Prompts
	p.Decode += q.Decode
	p.Sampling += q.Sampling
	p.Engine += q.Engine
	p.Delayed += q.Delayed
}

// Named calls f with each part and its name, in order.
func (p *Parts) Named(f func(name string, ns int64)) {
	f("wait", p.Wait)
	f("reader", p.Reader)
	f("prompts", p.Prompts)
	f("decode", p.Decode)
	f("sampling", p.Sampling)
	f("engine", p.Engine)
	f("delayed", p.Delayed)
}

// Spent is where the time of a generation went.
type Spent struct {
	First Parts // from the admission to the first token: End.PrefillNs in all
	After Parts // from there to the end: End.DecodeNs in all
	// Worst is the longest time between two tokens, the zero Gap if there were no two.
	Worst Gap
}

// Gap is the time from one token to the next.
type Gap struct {
	Token int       // that ends it, counted from 0
	End   time.Time // when that was sampled
	Parts
}
