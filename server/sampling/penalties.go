package sampling

import (
	"math"

	"github.com/weirgo/weir/server/ask"
)

// penalties lower the logits of tokens that were there before, by how often
// they were. What was there is counted as it comes.
type penalties struct {
	repeat, presence, frequency float32

	limit  int                 // tokens that count, -1 for all
	window []ask.Token         // those, if there is a limit: a ring once it is full
	oldest int                 // in the ring
	seen   []counted           // in no order
	at     map[ask.Token]int32 // of each in seen
}

// counted is a token and how often it is in the window.
type counted struct {
	token ask.Token
	count int32
}

// newPenalties counts the tokens of a prompt, nil if there is nothing to
// penalise.
func newPenalties(p ask.Penalties, prompt []ask.Token) *penalties {
	c := &penalties{repeat: p.Repeat, presence: number32(p.Presence), frequency: number32(p.Frequency), limit: p.LastTokens}
	if !(c.repeat > 0) {
		c.repeat = 1
	}
	if c.limit == 0 || c.repeat == 1 && c.presence == 0 && c.frequency == 0 {
		return nil
	}
	if c.limit < 0 {
		c.limit = -1
	} else {
		prompt = prompt[max(0, len(prompt)-c.limit):]
	}
	c.at = make(map[ask.Token]int32, min(len(prompt), 1024))
	for _, t := range prompt {
		c.add(t)
	}
	return c
}

// add counts one more token, and leaves out the one that it drives out of the
// window.
func (c *penalties) add(token ask.Token) {
	switch {
	case c.limit < 0:
	case len(c.window) < c.limit:
		c.window = append(c.window, token)
	default:
		c.drop(c.window[c.oldest])
		c.window[c.oldest] = token
		c.oldest = (c.oldest + 1) % c.limit
	}
	if i, ok := c.at[token]; ok {
		c.seen[i].count++
		return
	}
	c.at[token] = int32(len(c.seen))
	c.seen = append(c.seen, counted{token, 1})
}

func (c *penalties) drop(token ask.Token) {
	i := c.at[token]
	if c.seen[i].count--; c.seen[i].count > 0 {
		return
	}
	last := len(c.seen) - 1
	c.seen[i] = c.seen[last]
	c.at[c.seen[i].token] = i
	c.seen = c.seen[:last]
	delete(c.at, token)
}

// apply penalises in a row.
func (c *penalties) apply(row []float32) {
	for _, s := range c.seen {
		if s.token < 0 || int(s.token) >= len(row) {
			continue
		}
		v := row[s.token]
		if !(v > negativeInfinity) {
			continue
		}
		if v > 0 {
			v /= c.repeat
		} else {
			v *= c.repeat
		}
		row[s.token] = finite(v - (float32(float32(s.count)*c.frequency) + c.presence))
	}
}

// finite keeps what was a number within the numbers: only who says so forbids a
// token.
func finite(v float32) float32 {
	if v != v {
		return -math.MaxFloat32
	}
	return max(min(v, math.MaxFloat32), -math.MaxFloat32)
}

// number32 is v, or 0 if it is not a number.
func number32(v float32) float32 {
	if v != v {
		return 0
	}
	return v
}
