package seeded

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
)

// learnMerges returns up to limit pieces, most useful first, by byte-pair
// encoding: each is the pair of neighbouring pieces that occurs most often in
// the words after the pieces before it were joined. Joining pairs in that
// order is what a tokenizer of kind "llama" does with scores that fall from
// piece to piece, so every piece can be reached. Ties go to the piece that
// sorts first: the result depends on the words alone.
func learnMerges(words []countedWord, limit int) []string {
	l := newMergeLearner(words)
	var pieces []string
	known := map[string]bool{}
	for len(pieces) < limit {
		best, ok := l.best()
		if !ok {
			break
		}
		l.join(best)
		// Two pairs can make one text ("a"+"bc" and "ab"+"c"); the first
		// gave it its place, the second only joins.
		if text := best.left + best.right; !known[text] {
			known[text] = true
			pieces = append(pieces, text)
		}
	}
	return pieces
}

// pair is two neighbouring pieces.
type pair struct{ left, right string }

// mergeLearner holds the words, cut into pieces, and where each pair occurs.
type mergeLearner struct {
	words  []mergedWord
	counts map[pair]int
	places map[pair][]int32 // indices into words; may name one twice, or one that has lost the pair
	queue  pairQueue        // may hold counts out of date; best corrects them
}

type mergedWord struct {
	pieces []string
	count  int
}

func newMergeLearner(words []countedWord) *mergeLearner {
	l := &mergeLearner{counts: map[pair]int{}, places: map[pair][]int32{}}
	for i, word := range words {
		w := mergedWord{strings.Split(word.text, ""), word.count}
		l.words = append(l.words, w)
		for j := range w.pieces[1:] {
			l.count(pair{w.pieces[j], w.pieces[j+1]}, i, w.count)
		}
	}
	for p, count := range l.counts {
		l.queue = append(l.queue, queuedPair{p, count})
	}
	heap.Init(&l.queue)
	return l
}

func (l *mergeLearner) count(p pair, word, change int) {
	l.counts[p] += change
	l.places[p] = append(l.places[p], int32(word))
}

// best returns the pair that occurs most often.
func (l *mergeLearner) best() (pair, bool) {
	for len(l.queue) > 0 {
		top := l.queue[0]
		current := l.counts[top.pair]
		if current == top.count && current > 0 {
			return top.pair, true
		}
		heap.Pop(&l.queue)
		if current > 0 && current < top.count {
			heap.Push(&l.queue, queuedPair{top.pair, current})
		}
	}
	return pair{}, false
}

// join makes one piece of every occurrence of the pair.
func (l *mergeLearner) join(p pair) {
	grown := map[pair]bool{}
	for _, i := range l.places[p] {
		w := &l.words[i]
		for j := 0; j+1 < len(w.pieces); j++ {
			if w.pieces[j] != p.left || w.pieces[j+1] != p.right {
				continue
			}
			text := p.left + p.right
			if j > 0 {
				before := w.pieces[j-1]
				l.counts[pair{before, p.left}] -= w.count
				l.count(pair{before, text}, int(i), w.count)
				grown[pair{before, text}] = true
			}
			if j+2 < len(w.pieces) {
				after := w.pieces[j+2]
				l.counts[pair{p.right, after}] -= w.count
				l.count(pair{text, after}, int(i), w.count)
				grown[pair{text, after}] = true
			}
			w.pieces[j] = text
			w.pieces = slices.Delete(w.pieces, j+1, j+2)
		}
	}
	delete(l.counts, p)
	delete(l.places, p)
	for g := range grown {
		heap.Push(&l.queue, queuedPair{g, l.counts[g]})
	}
}

// queuedPair is a pair with its count when it was queued.
type queuedPair struct {
	pair
	count int
}

// pairQueue is a heap with the most frequent pair on top.
type pairQueue []queuedPair

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(queuedPair)) }
func (q *pairQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
func (q pairQueue) Less(i, j int) bool {
	return cmp.Or(
		cmp.Compare(q[j].count, q[i].count),
		strings.Compare(q[i].left+q[i].right, q[j].left+q[j].right),
		strings.Compare(q[i].left, q[j].left),
	) < 0
}
