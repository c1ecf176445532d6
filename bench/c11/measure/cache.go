package main

import "sync/atomic"

// A row is a token's part of a block: small, and with pointers, as what refers to
// cached state is.
type row struct {
	next *row
	of   *block
	_    [48]byte
}

const (
	rowBytes  = 64
	blockRows = 255
	// blockBytes is what a block has of the heap, with its rows.
	blockBytes = 256*8 + blockRows*rowBytes
)

// A block holds the state of some tokens of a sequence. It is long-lived, and large.
type block struct {
	next *block
	rows [blockRows]*row
}

// cache is the KV cache in the heap: sequences of blocks, each as long as the others,
// and each replaced when it has got its last block. It belongs to one goroutine.
type cache struct {
	sequences []*block
	lengths   []int
	blocks    int // of a sequence, at its end
	turn      int
	bytes     *atomic.Int64 // of all caches
}

func newCache(sequences int, bytes *atomic.Int64) *cache {
	return &cache{sequences: make([]*block, sequences), lengths: make([]int, sequences), bytes: bytes}
}

// resize has sequences become so long that all together have about the bytes given:
// on average they have half of their length.
func (c *cache) resize(liveBytes int) {
	c.blocks = max(1, 2*liveBytes/blockBytes/len(c.sequences))
}

// grow is a step of so many after which the sequences are of all ages, so that they
// do not end together.
func (c *cache) grow(step, steps int) {
	for i := range c.sequences {
		for want := c.blocks * (i + 1) / len(c.sequences) * step / steps; c.lengths[i] < want; {
			c.extend(i)
		}
	}
}

// extend gives a sequence a block more, or its successor its first one.
func (c *cache) extend(i int) {
	if c.lengths[i] >= c.blocks {
		c.bytes.Add(-int64(c.lengths[i] * blockBytes))
		c.sequences[i], c.lengths[i] = nil, 0
	}
	b := &block{next: c.sequences[i]}
	for j := range b.rows {
		r := &row{of: b}
		if j > 0 {
			r.next = b.rows[j-1]
		}
		b.rows[j] = r
	}
	c.sequences[i] = b
	c.lengths[i]++
	c.bytes.Add(blockBytes)
}

// step extends the next sequence.
func (c *cache) step() {
	c.extend(c.turn)
	c.turn = (c.turn + 1) % len(c.sequences)
}
