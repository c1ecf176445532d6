package batch

import "container/heap"

// deadlines is the generations that have one, waiting and live, the first first: a
// heap, so that none of those that wait costs a step anything.
type deadlines []*Generation

// add takes a generation in, if it has a deadline.
func (d *deadlines) add(g *Generation) {
	if g.seq.deadline != 0 {
		heap.Push(d, g)
	}
}

// drop takes a generation out, if it is there.
func (d *deadlines) drop(g *Generation) {
	if g.seq.expiry > 0 {
		heap.Remove(d, int(g.seq.expiry)-1)
	}
}

// Len implements heap.Interface.
func (d deadlines) Len() int { return len(d) }

// Less implements heap.Interface.
func (d deadlines) Less(i, j int) bool { return d[i].seq.deadline < d[j].seq.deadline }

// Swap implements heap.Interface.
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].seq.expiry, d[j].seq.expiry = int32(i+1), int32(j+1)
}

// Push implements heap.Interface.
func (d *deadlines) Push(g any) {
	*d = append(*d, g.(*Generation))
	g.(*Generation).seq.expiry = int32(len(*d))
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	g := (*d)[last]
	(*d)[last], *d = nil, (*d)[:last]
	g.seq.expiry = 0
	return g
}
