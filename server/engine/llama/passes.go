package llama

// The library computes a run of neighbouring sequences in one pass over the weights, and
// attends for all of them to as many places as the longest of them has. Flash attention
// leaves out what is masked; without it, a token of each of seven sequences of 100
// beside one of 4 000 costs what seven of 4 000 do. So where there is none a run is cut
// wherever another pass costs less: the parts are put into the batch with the highest
// sequences first, and the library does not join what does not ascend.

const (
	// places is what the library rounds the length of a sequence up to.
	places = 256
	// placeCost is what it takes to attend to a place, as a multiple of what a pass takes
	// for as many bytes of the weights: products of small vectors, at one for each head.
	placeCost = 8
)

// passPlaces is how many places cost as much as a pass over the weights; 0 if the file
// does not say how large a place is.
func (m *model) passPlaces() int {
	heads := m.number("attention.head_count_kv")
	if heads == 0 {
		heads = m.number("attention.head_count")
	}
	const keyAndValue, half = 2, 2 // vectors; bytes of an element
	place := m.number("block_count") * heads * m.headSize() * keyAndValue * half
	if place <= 0 {
		return 0
	}
	return max(1, int(m.info.SizeBytes)/(place*placeCost))
}

// arrange makes the rows that each sequence has, in b.next, the place of its first one.
func (b *cBatch) arrange() {
	begin := int32(0)
	put := func(first, last int) {
		for seq := first; seq <= last; seq++ {
			rows := b.next[seq]
			b.next[seq] = begin
			begin += rows
		}
	}
	if b.passPlaces == 0 {
		put(0, len(b.next)-1)
		return
	}
	for last := len(b.next) - 1; last >= 0; last-- {
		if b.next[last] > 0 {
			first := b.cut(last)
			put(first, last)
			last = first
		}
	}
}

// cut returns the first of the neighbours up to last that are computed with it.
func (b *cBatch) cut(last int) (first int) {
	first = last
	longest, sum, rows, wasted := 0, 0, b.next[last], 0
	for seq := last; seq >= 0 && b.next[seq] > 0; seq-- {
		longest, sum, rows = max(longest, int(b.reach[seq])), sum+int(b.reach[seq]), min(rows, b.next[seq])
		// What the shorter ones attend to in vain, in the rows that all of them have.
		now := ((last-seq+1)*longest - sum) * int(rows)
		if now-wasted > b.passPlaces {
			break
		}
		first, wasted = seq, now
	}
	return first
}
