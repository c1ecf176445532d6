package draft

import "math"

// Budget is what a step has for drafts.
type Budget struct {
	Tokens      int     // that it gives without any: the sequences that decode
	StepSeconds float64 // that it takes without any
	RowSeconds  float64 // that a row of a draft adds, above 0
	Rows        int     // of drafts at most
}

// Want is the draft of a sequence.
type Want struct {
	Chance float64 // of each of its tokens, if those before were right
	// Least and Most are how many tokens are drafted, if any are.
	Least, Most int
	// Rows is how many Share gave.
	Rows int
}

const (
	// surest keeps the tokens that a draft gives finite.
	surest = 0.999
	// rounds is how often the price of a row is sought: each comes nearer faster than
	// the one before.
	rounds = 6
	// dearer is by how much it is raised where there are fewer rows than are worth it.
	dearer = 1.2
	raises = 200
)

// Share gives the rows that make the most tokens for the time of a step: it is
// Dinkelbach's method for the greatest ratio. With a price for a second in tokens, those
// tokens are drafted whose chance is above the price of a row; what the step would give
// for its time with them is the next price. Whoever's chances are equal gets as many, where
// there are as many as are worth their time.
func Share(b Budget, wants []Want) {
	for i := range wants {
		wants[i].Rows = 0
	}
	if b.Rows <= 0 || b.Tokens <= 0 || !(b.RowSeconds > 0) || !(b.StepSeconds > 0) {
		return
	}
	price := float64(b.Tokens) / b.StepSeconds
	for range rounds {
		price = b.give(price, wants)
	}
	if rows(wants) <= b.Rows {
		return
	}
	for range raises {
		cheaper := price
		price *= dearer
		b.give(price, wants)
		if left := b.Rows - rows(wants); left >= 0 {
			fill(cheaper*b.RowSeconds, left, wants)
			return
		}
	}
	for i := range wants {
		wants[i].Rows = 0 // these are no prices
	}
}

// fill gives those rows that are left which are worth a price in tokens: to who comes
// first, as far as they go. Where the chances of all are the same, a price is everybody's
// or nobody's.
func fill(price float64, left int, wants []Want) {
	for i := range wants {
		w := &wants[i]
		n := min(w.worth(price), w.Rows+left)
		if n > w.Rows && n >= w.Least {
			left -= n - w.Rows
			w.Rows = n
		}
	}
}

// give gives the rows that are worth a price, in tokens a second, and returns how many
// tokens a second the step then gives.
func (b *Budget) give(price float64, wants []Want) float64 {
	tokens, seconds := float64(b.Tokens), b.StepSeconds
	for i := range wants {
		w := &wants[i]
		w.Rows = w.worth(price * b.RowSeconds)
		tokens += w.Gives()
		seconds += float64(w.Rows) * b.RowSeconds
	}
	return tokens / seconds
}

// worth is how many tokens are drafted where a row costs so many.
func (w *Want) worth(price float64) int {
	chance := min(w.Chance, surest)
	if !(chance > price) || !(chance > 0) {
		return 0
	}
	n := w.Most
	if longest := math.Log(price) / math.Log(chance); longest < float64(n) {
		n = int(longest) // chance to this power is price
	}
	if n < max(w.Least, 1) {
		return 0
	}
	return n
}

// Gives is how many tokens its rows are expected to give.
func (w *Want) Gives() float64 {
	chance := min(w.Chance, surest)
	return chance * (1 - math.Pow(chance, float64(w.Rows))) / (1 - chance)
}

func rows(wants []Want) (n int) {
	for i := range wants {
		n += wants[i].Rows
	}
	return n
}
