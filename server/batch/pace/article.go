package pace

import "time"

// Article is the policy of the article that this project measures itself against
// (claim C14), as it is written:
//
//   - Each 100 ms the throughput of the last 500 ms is taken.
//   - After three samples in a row at 90 % of the target or more, the batch size goes
//     up by 1.2, up to 512. The count then begins anew.
//   - After one sample at 60 % of it or less, it goes down by 1.5, down to 8.
//
// Its program begins with 32. It takes "items" for what is batched: here they are
// tokens, of prompts and answers alike, and the batch size is the tokens of a step. Who
// decodes comes first, prompts get the rest. It has no rule for sequences, and none for
// latency: no objective changes what it does.
//
// The article says nothing of where the target comes from. Its program compares with a
// variable that nobody sets. With a target that the machine cannot reach, the rule goes
// down to 8 and stays; with one that it reaches with ease, up to 512. The best window
// seen is the default here, by which it goes up as long as that does not cost more than
// a tenth of the throughput, and goes down whenever there is little to do.
type Article struct {
	// Target is the throughput in tokens a second. 0: the best seen so far.
	Target float64

	state samples
}

const (
	articleEvery = 100 * time.Millisecond
	articleParts = 5 // of the window of 500 ms
	articleRow   = 3 // samples
	articleFirst = 32
	articleLeast = 8
	articleMost  = 512

	// After so long without a step nothing changes any more: the window is empty
	// and 512 has become 8.
	articleLongest = 32
)

// samples is what an Article remembers.
type samples struct {
	parts  [articleParts]int // tokens of the last tenths of a second; the last is under way
	part   int64             // which one that is, since the beginning of time
	filled int               // how many of parts are known
	best   int               // tokens of the best window
	good   int               // samples in a row that were good
	size   int               // tokens of a step; 0: none was seen
}

// Observe implements Policy.
func (a *Article) Observe(o Observation) { a.state = a.next(a.state, o) }

// Decide implements Policy.
func (a *Article) Decide(d Demand) Decision {
	size := a.state.size
	if size == 0 {
		size = articleFirst
	}
	return Decision{PromptTokens: d.Limits.prompts(size - d.DecodeRows), Sequences: d.Limits.sequences(d.Limits.Sequences)}
}

// next is what is remembered after a step, a function of its arguments.
func (a *Article) next(s samples, o Observation) samples {
	now := int64(o.At / articleEvery)
	if s.size == 0 {
		s.size, s.part = articleFirst, now
	}
	s.part = max(s.part, now-articleLongest)
	for ; s.part < now; s.part++ {
		if s.filled = min(s.filled+1, articleParts); s.filled == articleParts {
			s = a.sample(s)
		}
		copy(s.parts[:], s.parts[1:])
		s.parts[articleParts-1] = 0
	}
	s.parts[articleParts-1] += o.DecodeRows + o.PromptRows
	return s
}

// sample takes the throughput of a window, and does what follows.
func (a *Article) sample(s samples) samples {
	tokens := 0
	for _, n := range s.parts {
		tokens += n
	}
	s.best = max(s.best, tokens)
	target := a.Target * (articleParts * articleEvery).Seconds()
	if a.Target == 0 {
		target = float64(s.best)
	}
	switch got := float64(tokens); {
	case got >= 0.9*target && target > 0:
		if s.good++; s.good == articleRow {
			s.good, s.size = 0, min(s.size*12/10, articleMost)
		}
	case got <= 0.6*target:
		s.good, s.size = 0, max(s.size*10/15, articleLeast)
	default:
		s.good = 0
	}
	return s
}
