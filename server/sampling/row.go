package sampling

import (
	"cmp"
	"errors"
	"math"
	"math/bits"
	"slices"
)

var (
	// ErrNoMaximum: a row holds no number, or an infinite one.
	ErrNoMaximum = errors.New("sampling: the logits have no finite maximum")
	// ErrNoneAllowed: the constraint and the bias forbid every token.
	ErrNoneAllowed = errors.New("sampling: no token is allowed")
)

// heapKeys is up to how many likeliest tokens are kept in a heap.
const heapKeys = 256

// Row is the logits of one place and what has been found out about them. Its
// memory is reused from Read to Read; the zero Row is ready to Read.
type Row struct {
	logits   []float32
	greatest float32
	logSum   float64 // once hasSum
	hasSum   bool

	keys      []Key
	list      []Key // candidates of the steps that look at each
	scores    []Key // in another order than the logits'
	spans     []span
	histogram []float64

	edited       []float32 // the row as a sampler's steps change it
	read         []float32 // the one that was read, while they do
	readGreatest float32
}

// span is a part of a row and the weight of its values above floor.
type span struct {
	from, to int
	floor    float32
	weight   float64
}

// Read takes a row, which must stay as it is until the next Read. It fails with
// ErrNoMaximum.
func (r *Row) Read(logits []float32) error {
	r.logits, r.hasSum = logits, false
	r.greatest = maximum(logits)
	if math.IsInf(float64(r.greatest), 0) {
		return ErrNoMaximum
	}
	return nil
}

// Len returns the number of logits.
func (r *Row) Len() int { return len(r.logits) }

// Likeliest returns the likeliest token's key.
func (r *Row) Likeliest() Key {
	floor := below(r.greatest)
	for at := next(r.logits, 0, floor); ; at++ {
		if r.logits[at] > floor {
			return keyOf(r.logits[at], at)
		}
	}
}

// LogSum returns the logarithm of the sum of the exponentials: a token's
// log-probability is its logit less this.
func (r *Row) LogSum() float64 {
	if !r.hasSum {
		r.logSum, r.hasSum = float64(r.greatest)+math.Log(r.weigh(0, 1)), true
	}
	return r.logSum
}

// Top fills dst, whose length is at most the row's, with the likeliest keys in
// no order.
func (r *Row) Top(dst []Key) {
	switch n := len(dst); {
	case n == len(r.logits):
		for t, v := range r.logits {
			dst[t] = keyOf(orImpossible(v), t)
		}
	case n <= heapKeys:
		r.heap(dst)
	default:
		kept := r.between(dst[:0], r.reach(0, float64(n), float64(len(r.logits)), number), mostLikely)
		// Values that are no number, and minus infinity, are in no cut.
		for t := 0; len(kept) < n; t++ {
			if !(r.logits[t] > negativeInfinity) {
				kept = append(kept, keyOf(negativeInfinity, t))
			}
		}
	}
}

// orImpossible is v, or minus infinity if v is not a number.
func orImpossible(v float32) float32 {
	if v != v {
		return negativeInfinity
	}
	return v
}

// heap fills dst with the likeliest keys, the least of them at its root.
func (r *Row) heap(dst []Key) {
	for t := range dst {
		dst[t] = keyOf(orImpossible(r.logits[t]), t)
	}
	for i := len(dst)/2 - 1; i >= 0; i-- {
		sink(dst, i)
	}
	if len(dst) == 0 {
		return
	}
	floor := dst[0].Logit()
	for at := next(r.logits, len(dst)&^(group-1), floor); at < len(r.logits); at = next(r.logits, at, floor) {
		end := min(at+group, len(r.logits))
		for at = max(at, len(dst)); at < end; at++ {
			// At equality the lower token stays.
			if v := r.logits[at]; v > floor {
				dst[0] = keyOf(v, at)
				sink(dst, 0)
				floor = dst[0].Logit()
			}
		}
	}
}

// sink moves heap[i] below all that is less.
func sink(heap []Key, i int) {
	k := heap[i]
	for {
		child := 2*i + 1
		if child >= len(heap) {
			break
		}
		if right := child + 1; right < len(heap) && heap[right] < heap[child] {
			child = right
		}
		if heap[child] >= k {
			break
		}
		heap[i] = heap[child]
		i = child
	}
	heap[i] = k
}

// parts divides the row at cut's token: the keys from cut on are those above the
// first part's floor, as likely ones among them, and above the second's. A cut
// of 0 is none: all but minus infinity.
func (r *Row) parts(cut Key) [2]span {
	if cut == 0 {
		return [2]span{{to: len(r.logits), floor: negativeInfinity}, {}}
	}
	equal := min(int(^uint32(cut))+1, len(r.logits))
	return [2]span{{0, equal, below(cut.Logit()), 0}, {equal, len(r.logits), cut.Logit(), 0}}
}

// between appends the keys from cut up to and with last, in the order of tokens.
func (r *Row) between(dst []Key, cut, last Key) []Key {
	ceiling := min(last, keyOf(r.greatest, 0)).Logit()
	for _, p := range r.parts(cut) {
		for from := p.from; from < p.to; from += group {
			v := r.logits[from:min(from+group, p.to)]
			for m := within(v, p.floor, ceiling); m != 0; m &= m - 1 {
				at := bits.TrailingZeros32(m)
				if k := keyOf(v[at], from+at); k <= last {
					dst = append(dst, k)
				}
			}
		}
	}
	return dst
}

// count returns how many keys there are from cut on.
func (r *Row) count(cut Key) (n int) {
	for _, p := range r.parts(cut) {
		for from := p.from; from < p.to; from += group {
			n += bits.OnesCount32(within(r.logits[from:min(from+group, p.to)], p.floor, r.greatest))
		}
	}
	return n
}

// weigh fills the spans with the weights exp((logit - greatest)·scale) of the
// keys from cut on, and returns their sum.
func (r *Row) weigh(cut Key, scale float32) (sum float64) {
	r.spans = r.spans[:0]
	for _, p := range r.parts(cut) {
		for from := p.from; from < p.to; from += blockValues {
			s := span{from: from, to: min(from+blockValues, p.to), floor: p.floor}
			s.weight = float64(expSum(r.logits[s.from:s.to], r.greatest, scale, s.floor))
			r.spans = append(r.spans, s)
			sum += s.weight
		}
	}
	return sum
}

// pick returns the token at which the weights of the spans, as weigh left them,
// reach target. Sums in another order differ by their rounding: a target beyond
// them is reached at the last token that has a weight.
func (r *Row) pick(target float64, scale float32) (token int) {
	var at span
	for _, s := range r.spans {
		if s.weight > 0 {
			at = s
			if target < s.weight {
				break
			}
			target -= s.weight
		}
	}
	for t := at.from; t < at.to; t++ {
		v := r.logits[t]
		if !(v > at.floor) {
			continue
		}
		if w := float64(weight(v, r.greatest, scale)); w > 0 {
			token = t
			if target -= w; target < 0 {
				break
			}
		}
	}
	return token
}

// Sort puts keys in order, the likeliest first.
func Sort(keys []Key) {
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(b, a) })
}
