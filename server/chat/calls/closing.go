package calls

import "slices"

// harmonyNext ends a message and begins another of the model's.
const harmonyNext = "<|end|>" + harmonyStart + "assistant"

// Closings returns the texts that a thought can be ended with for the model: what
// [Parser.Closing] returns.
func (f *Form) Closings() []string {
	if f.harmony {
		return []string{harmonyNext, harmonyNext + harmonyChannel + "final" + harmonyMessage}
	}
	all := make([]string, len(f.thoughts))
	for i, t := range f.thoughts {
		all[i] = t[1]
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Closing returns the text that ends the thought at hand, "" if there is none.
// again says that the model was made to end one before: where the form lets it go
// on with another, it is made to answer now.
func (p *Parser) Closing(again bool) string {
	closings := p.form.Closings()
	switch {
	case !p.Thinks():
		return ""
	case !p.form.harmony:
		return p.closes
	case p.mayCall() && !again:
		return closings[0]
	}
	return closings[1]
}
