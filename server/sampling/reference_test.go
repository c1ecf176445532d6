package sampling

import (
	"math"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// The steps by their definitions, in the plainest way: all candidates, sorted.

type candidate struct {
	token ask.Token
	logit float64
	p     float64
}

// reference is a sequence that the steps are defined over.
type reference struct {
	steps    ask.Sampling
	history  []ask.Token
	breakers [][]ask.Token
	allowed  func(ask.Token) bool // nil: all
	mu       float64
}

// edited returns the row after bias, penalties, DRY and constraint.
func (q *reference) edited(row []float32) []float64 {
	out := make([]float64, len(row))
	counts := make(map[ask.Token]int)
	for _, t := range window(q.history, q.steps.Penalties.LastTokens) {
		counts[t]++
	}
	repeated := q.repeated()
	for t, v := range row {
		token := ask.Token(t)
		x := float64(orImpossible(v))
		for _, b := range q.steps.Bias {
			if b.Token == token {
				x += float64(b.Add)
			}
		}
		if n := counts[token]; n > 0 {
			p := q.steps.Penalties
			if p.Repeat > 0 && x > 0 {
				x /= float64(p.Repeat)
			} else if p.Repeat > 0 {
				x *= float64(p.Repeat)
			}
			x -= float64(n)*float64(p.Frequency) + float64(p.Presence)
		}
		if length, ok := repeated[token]; ok {
			x -= float64(q.steps.DRY.Multiplier) * math.Pow(float64(q.steps.DRY.Base), float64(length-q.steps.DRY.AllowedLength))
		}
		if q.allowed != nil && !q.allowed(token) {
			x = math.Inf(-1)
		}
		out[t] = x
	}
	return out
}

func window(tokens []ask.Token, last int) []ask.Token {
	if last < 0 {
		return tokens
	}
	return tokens[max(0, len(tokens)-last):]
}

// repeated returns the longest sequence that each token would go on with, of
// those that are long enough.
func (q *reference) repeated() map[ask.Token]int {
	d := q.steps.DRY
	if d.Multiplier == 0 || d.Base < 1 {
		return nil
	}
	tokens := window(q.history, d.LastTokens)
	limit := len(tokens)
	for begin := len(tokens) - 1; begin >= 0; begin-- {
		longest := 0
		for _, b := range q.breakers {
			if len(b) <= len(tokens)-begin && slices.Equal(b, tokens[begin:begin+len(b)]) {
				longest = max(longest, len(b))
			}
		}
		if longest > 0 {
			limit = len(tokens) - begin - longest
			break
		}
	}
	found := make(map[ask.Token]int)
	for end := 1; end < len(tokens); end++ { // tokens[:end] ends like tokens
		same := 0
		for same < end && same < limit && tokens[end-1-same] == tokens[len(tokens)-1-same] {
			same++
		}
		next := tokens[end]
		alone := slices.ContainsFunc(q.breakers, func(b []ask.Token) bool { return len(b) == 1 && b[0] == next })
		if old, ok := found[next]; same >= d.AllowedLength && limit >= d.AllowedLength && !alone && (!ok || same > old) {
			found[next] = same
		}
	}
	return found
}

// chances are what the steps leave of a row.
func (q *reference) chances(row []float32) []candidate {
	var list []candidate
	for t, x := range q.edited(row) {
		if x > math.Inf(-1) {
			list = append(list, candidate{token: ask.Token(t), logit: x})
		}
	}
	softmax(list, 1)
	s := q.steps
	if s.Mirostat != 0 && s.Temperature > 0 {
		return q.mirostat(list, len(row))
	}
	if s.TopNSigma > 0 {
		list = topNSigma(list, float64(s.TopNSigma))
	}
	if s.TopK > 0 {
		list = list[:min(s.TopK, len(list))]
	}
	list = typicalP(list, s)
	list = topPMinP(list, s)
	if !(s.XTCProbability > 0) || s.XTCThreshold > 0.5 {
		return q.tempered(list)
	}
	share := min(float64(s.XTCProbability), 1)
	both := q.tempered(xtc(slices.Clone(list), s))
	for i := range both {
		both[i].p *= share
	}
	for _, c := range q.tempered(list) {
		c.p *= 1 - share
		if i := slices.IndexFunc(both, func(b candidate) bool { return b.token == c.token }); i >= 0 {
			both[i].p += c.p
		} else {
			both = append(both, c)
		}
	}
	return both
}

// softmax sorts, likeliest first, and fills in probabilities.
func softmax(list []candidate, scale float64) {
	slices.SortStableFunc(list, func(a, b candidate) int {
		switch {
		case a.logit > b.logit:
			return -1
		case a.logit < b.logit:
			return 1
		}
		return int(a.token - b.token)
	})
	sum := 0.0
	for i := range list {
		list[i].p = math.Exp((list[i].logit - list[0].logit) * scale)
		sum += list[i].p
	}
	for i := range list {
		list[i].p /= sum
	}
}

func topNSigma(list []candidate, n float64) []candidate {
	mean, variance := 0.0, 0.0
	for _, c := range list {
		mean += c.logit / float64(len(list))
	}
	for _, c := range list {
		variance += (c.logit - mean) * (c.logit - mean) / float64(len(list))
	}
	bound := list[0].logit - n*math.Sqrt(variance)
	return slices.DeleteFunc(list, func(c candidate) bool { return c.logit < bound })
}

func surprises(list []candidate) (entropy float64) {
	softmax(list, 1)
	for _, c := range list {
		if c.p > 0 {
			entropy -= c.p * math.Log(c.p)
		}
	}
	return entropy
}

func typicalP(list []candidate, s ask.Sampling) []candidate {
	if !(s.TypicalP > 0) || s.TypicalP >= 1 {
		return list
	}
	entropy := surprises(list)
	distance := func(c candidate) float64 { return math.Abs(-math.Log(c.p) - entropy) }
	slices.SortStableFunc(list, func(a, b candidate) int {
		switch x, y := distance(a), distance(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return int(a.token - b.token)
	})
	sum := 0.0
	for i, c := range list {
		if sum += c.p; sum > float64(s.TypicalP) && i+1 >= s.MinKeep {
			return list[:i+1]
		}
	}
	return list
}

func topPMinP(list []candidate, s ask.Sampling) []candidate {
	softmax(list, 1)
	if s.TopP > 0 && s.TopP < 1 {
		sum := 0.0
		for i, c := range list {
			if sum += c.p; sum >= float64(s.TopP) && i+1 >= s.MinKeep {
				list = list[:i+1]
				break
			}
		}
	}
	if s.MinP > 0 {
		for i, c := range list {
			if c.logit < list[0].logit+math.Log(float64(s.MinP))-1e-7 && i >= s.MinKeep {
				list = list[:i]
				break
			}
		}
	}
	return list
}

func xtc(list []candidate, s ask.Sampling) []candidate {
	softmax(list, 1)
	last := 0
	for i, c := range list {
		if c.p < float64(s.XTCThreshold) {
			break
		}
		last = i
	}
	if len(list)-last < s.MinKeep {
		return list
	}
	return list[last:]
}

// tempered applies the temperature.
func (q *reference) tempered(list []candidate) []candidate {
	temperature := float64(q.steps.Temperature)
	if span := float64(q.steps.DynatempRange); span > 0 && temperature > 0 && len(list) > 1 {
		low := max(0, temperature-span)
		share := surprises(list) / math.Log(float64(len(list)))
		temperature = low + (temperature+span-low)*math.Pow(share, float64(q.steps.DynatempExponent))
	}
	if temperature <= 0 {
		softmax(list, 1)
		list[0].p = 1
		return list[:1]
	}
	softmax(list, min(1/temperature, math.MaxFloat32))
	return list
}

func (q *reference) mirostat(list []candidate, vocabulary int) []candidate {
	scale := 1 / float64(q.steps.Temperature)
	softmax(list, scale)
	n := len(list)
	if q.steps.Mirostat == 2 {
		n = slices.IndexFunc(list, func(c candidate) bool { return -math.Log2(c.p) > q.mu })
		if n < 0 {
			n = len(list)
		}
	} else {
		var tb, tt float64
		for i := 0; i < mirostatKeys-1 && i < len(list)-1; i++ {
			rank := math.Log(float64(i+2) / float64(i+1))
			tb += rank * (list[i].logit - list[i+1].logit) * scale
			tt += rank * rank
		}
		exponent := tb / tt
		excess := exponent - 1
		k := math.Pow(excess*math.Pow(2, q.mu)/(1-math.Pow(float64(vocabulary), -excess)), 1/exponent)
		if k < float64(n) {
			n = int(k)
		} else if k != k {
			n = 1
		}
	}
	list = list[:max(n, 1)]
	softmax(list, scale)
	return list
}
