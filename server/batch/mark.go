package batch

import "github.com/weirgo/weir/server/engine"

// Marks say how much of a prompt is computed. They go through the ring like tokens,
// each once and in order: a reader that is behind slows its own prompt down.

// leastMarked is the smallest ring with marks: a sequence that was paused goes on
// when half of it is free, and may need room for a mark and a token at once.
const leastMarked = 4

// mark puts what is computed of the prompt into a free slot of the ring, if that
// is wanted and more than was told. The last mark has all of it. Engine goroutine.
func (g *Generation) mark() {
	s := &g.seq
	if !s.marks || s.cached <= s.marked {
		return
	}
	s.marked = min(s.cached, s.prompt)
	s.marks = s.marked < s.prompt
	g.results.set(g.next(0), ^engine.Token(s.marked))
	g.put(1)
	g.tell()
}
