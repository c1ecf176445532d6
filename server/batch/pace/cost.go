package pace

// cost is what a step takes, learned of those before: something for the step, for each
// row that decodes, for each row of a prompt, for each token that rows of either kind
// attend to, and for each row of a draft, in seconds. Its numbers are the ones whose
// steps would take what the steps took, by the least squares of the relative
// differences. What was long ago counts for less.
//
// A step that somebody kept from its processor takes many times as long as it should.
// As the difference is taken relative to what a step took, it is never more than 1
// and one such step counts for almost nothing. Three in a row are no accident: the
// machine has become slower, or faster, and all numbers change by as much.
type cost struct {
	each   [parts]float64        // seconds; all above 0 once a step was seen
	square [parts][parts]float64 // mean of x_i x_j, x being a step's rows a second
	mean   [parts]float64        // of x_i
	seen   int                   // steps, up to those that count
	off    [row]float64          // what the last steps took, as parts of what was foreseen
	drafts int                   // steps that had some, up to those that say something
	met    float64               // what the last of these says that a row of a draft costs
	idle   int                   // steps since, up to forgotten
}

// rows is how often a step has each of the parts of its cost.
type rows [parts]float64

// The parts.
const (
	perStep = iota
	perDecode
	perPrompt
	perDecodeContext // in the order of the rows
	perPromptContext
	perDraft
	parts
)

const (
	// memory is how many steps count: few enough to follow a machine, enough for a mean
	// of steps that differ by some percent. Over so few contexts hardly change, and look
	// like rows: contextMemory is for what they cost.
	memory        = 120
	contextMemory = 2000
	// contextFirst is what a token in a context costs before anything is known of it, as
	// a part of what a row does.
	contextFirst = 1.0 / 20_000
	// fewest is how many steps say something.
	fewest = 10
	// row steps in a row that take changed as much as foreseen, or less than 1 /
	// changed, mean that the machine has changed.
	row     = 3
	changed = 1.25

	// inertia holds the numbers where they are, against the mean square of their
	// share of the steps. Where all steps are alike they cannot be told apart: what
	// is not known does not move.
	inertia = 0.01
	// hope makes prompts and drafts cheaper where nothing is known of their cost. Too
	// cheap is found out by the next step that has more of them; too dear never would be.
	hope = 1.0 / 1024
	// furthest is by how much one step changes a number.
	furthest = 2
	// steepest is by how much one of the first steps that have drafts changes what they
	// cost. Nothing was known of it, and so little of the step was theirs that it would
	// hardly move.
	steepest = 4
	// forgotten is how many steps without drafts make the next ones with some the first.
	forgotten = memory / 2
	// smallest is the share of a step that each of its parts has at least.
	smallest = 1e-4

	// Bounds, in seconds a row and rows a second, of what can be meant.
	leastEach  = 1e-15
	mostEach   = 1e6
	mostSquare = 1e60
)

// context is what a token costs that a row of a kind attends to, as a part of what the
// row itself does; 0 before any such row was seen.
func (c *cost) context(kind int) float64 {
	of := kind + perDecodeContext - perDecode
	if !c.known() || c.square[of][of] == 0 {
		return 0
	}
	return c.each[of] / c.each[kind]
}

// known reports whether enough steps were seen.
func (c *cost) known() bool { return c.seen >= fewest }

// of is how many seconds a step takes.
func (c *cost) of(x rows) (seconds float64) {
	for i := range x {
		seconds += c.each[i] * x[i]
	}
	return seconds
}

// next is what is known after a step, a function of its arguments, where so many steps
// count; seconds is above 0.
func (c cost) next(x rows, seconds float64, steps int) cost {
	if c.seen == 0 {
		c.each = guess(x, seconds)
		c.off = [row]float64{1, 1, 1}
	}
	foreseen := c.of(x)
	first := c.meets(x)
	if c.known() {
		if first {
			c.meet(x, seconds) // they have changed the step, and not the machine
		} else {
			c.note(seconds / foreseen)
		}
		foreseen = c.of(x)
		seconds = max(seconds, foreseen/furthest) // what is too short counts for too much
	}
	c.seen = min(c.seen+1, steps)
	c.add(x, seconds)
	c.solve(x)
	for i := range x {
		if x[i] > 0 {
			c.each[i] = max(c.each[i], smallest*min(seconds, foreseen)/x[i])
		}
	}
	if !c.sound() {
		return cost{}
	}
	return c
}

// sound reports whether the numbers can be used. Those of a part that no step has had
// for long may have gone anywhere with the others.
func (c *cost) sound() bool {
	for i := range c.each {
		if !(c.each[i] >= leastEach && c.each[i] <= mostEach) || !(c.square[i][i] <= mostSquare) {
			return false
		}
	}
	return true
}

// guess is what a first step says: half is for the step, the rest for its rows.
func guess(x rows, seconds float64) (each [parts]float64) {
	half := seconds / 2
	each[perStep] = half
	each[perDecode] = half / max(x[perDecode]+x[perPrompt]+x[perDraft], 1)
	each[perPrompt], each[perDraft] = each[perDecode], each[perDecode]
	each[perDecodeContext] = each[perDecode] * contextFirst
	each[perPromptContext] = each[perPrompt] * contextFirst
	return each
}

// note remembers how far off the last step was, and follows a machine that has
// changed. What was seen before is then taken to have been seen at the new speed, and
// counts for little.
func (c *cost) note(off float64) {
	copy(c.off[:], c.off[1:])
	c.off[row-1] = off
	low, high := min(c.off[0], c.off[1], c.off[2]), max(c.off[0], c.off[1], c.off[2])
	if low < changed && high > 1/changed {
		return
	}
	by := c.off[0] + c.off[1] + c.off[2] - low - high // the middle one
	for i := range c.each {
		c.each[i] *= by
		c.mean[i] /= by
		for j := range c.each {
			c.square[i][j] /= by * by
		}
	}
	c.seen = fewest
	c.off = [row]float64{1, 1, 1}
}

// meets reports whether a step is one of the first that have drafts, or of the first after so
// long that little is remembered of others.
func (c *cost) meets(x rows) bool {
	if x[perDraft] == 0 {
		c.idle = min(c.idle+1, forgotten)
		return false
	}
	if c.idle == forgotten {
		c.drafts = 0
	}
	c.idle = 0
	if c.drafts == fewest {
		return false
	}
	c.drafts++
	return true
}

// meet takes what a step took beyond the rest of it for what its drafts cost. They become
// dearer only if the one before says so too: one that was held up would keep them from being
// tried.
func (c *cost) meet(x rows, seconds float64) {
	p := &c.each[perDraft]
	rest := x
	rest[perDraft] = 0
	each := (seconds - c.of(rest)) / x[perDraft]
	most := *p
	if c.drafts > 1 {
		most = max(most, min(c.met, *p*steepest))
	}
	*p = max(*p/steepest, min(each, most))
	c.met = each
}

// add takes a step into the means.
func (c *cost) add(x rows, seconds float64) {
	weight := 1 / float64(c.seen)
	for i := range x {
		u := x[i] / seconds
		c.mean[i] += weight * (u - c.mean[i])
		for j := range x {
			c.square[i][j] += weight * (u*x[j]/seconds - c.square[i][j])
		}
	}
}

// solve moves the numbers to where the squares are least. It counts in shares: each
// number is sought as a multiple of what it was, so that all are of one size.
func (c *cost) solve(x rows) {
	want := [parts]float64{1, 1, 1, 1, 1, 1}
	for _, i := range [...]int{perPrompt, perDraft} {
		if x[i] > 0 {
			want[i] -= hope
		}
	}
	var a [parts][parts]float64
	var b [parts]float64
	for i := range a {
		b[i] = c.each[i]*c.mean[i] + inertia*want[i]
		for j := range a {
			a[i][j] = c.each[i] * c.square[i][j] * c.each[j]
		}
		a[i][i] += inertia
	}
	eliminate(&a, &b)
	for i := range b {
		c.each[i] *= max(1.0/furthest, min(b[i], furthest))
	}
}

// eliminate solves a x = b, a being symmetric and positive definite, and leaves x in
// b.
func eliminate(a *[parts][parts]float64, b *[parts]float64) {
	for k := range a {
		for i := k + 1; i < parts; i++ {
			f := a[i][k] / a[k][k]
			for j := k; j < parts; j++ {
				a[i][j] -= f * a[k][j]
			}
			b[i] -= f * b[k]
		}
	}
	for k := parts - 1; k >= 0; k-- {
		for j := k + 1; j < parts; j++ {
			b[k] -= a[k][j] * b[j]
		}
		b[k] /= a[k][k]
	}
}
