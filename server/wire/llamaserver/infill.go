package llamaserver

import (
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// InfillRequest is the body of POST /infill.
type InfillRequest struct {
	Prefix *string `json:"input_prefix"`
	Suffix *string `json:"input_suffix"`
	Extra  []Extra `json:"input_extra"`
	Prompt string  `json:"prompt"` // what the gap begins with
	Options
}

// Extra is a part of another file.
type Extra struct {
	Filename *string `json:"filename"`
	Text     *string `json:"text"`
}

// Gap says how a prompt for a gap is built.
type Gap struct {
	// Tokens are the model's control tokens, -1 where it has none. The first
	// three are needed.
	Prefix, Suffix, Middle  ask.Token
	Repository, File, Begin ask.Token
	// ContextTokens is what prompt and answer have together, AnswerTokens what the
	// answer may take of it, 0 if that is not said.
	ContextTokens, AnswerTokens int
	// SuffixFirst puts the suffix before the prefix, as some models have learnt it.
	SuffixFirst bool
	// Tokenize gives the tokens of a text, none of them a control token.
	Tokenize func(text string) ([]ask.Token, error)
}

// windowTokens is how much of the text around the gap is shown at most, three
// quarters of it from before: what llama-server's default batch has room for.
const windowTokens = 2048

// Check refuses a model that has not learnt to fill gaps, and a body without its
// parts.
func (r *InfillRequest) Check(g Gap) error {
	var missing []string
	for _, t := range []struct {
		token ask.Token
		name  string
	}{{g.Prefix, "prefix"}, {g.Suffix, "suffix"}, {g.Middle, "middle"}} {
		if t.token < 0 {
			missing = append(missing, t.name+" token is missing")
		}
	}
	if missing != nil {
		return &ask.Fault{Kind: ask.NotServed, What: "Infill is not supported by this model: " + strings.Join(missing, ". "), Remedy: "serve a model that has learnt to fill gaps"}
	}
	switch {
	case r.Prefix == nil:
		return wire.Missing("input_prefix", "the text before the gap")
	case r.Suffix == nil:
		return wire.Missing("input_suffix", "the text behind the gap")
	}
	for i, e := range r.Extra {
		if e.Text == nil {
			return wire.Invalid("input_extra", "element %d has no text", i)
		}
	}
	return nil
}

// Build gives the tokens of the prompt. Of text around the gap it takes what is
// nearest, and of other files the last that leave room for the answer.
func (r *InfillRequest) Build(g Gap) ([]ask.Token, error) {
	var failed error
	tokens := func(text string) []ask.Token {
		t, err := g.Tokenize(text)
		if failed == nil {
			failed = err
		}
		return t
	}
	before, after, begun := tokens(*r.Prefix), tokens(*r.Suffix), tokens(r.Prompt)
	window := min(windowTokens, g.ContextTokens/2)
	before = before[len(before)-min(len(before), 3*(window/4)):]
	after = after[:min(len(after), max(0, window/4-2-len(begun)))]
	before = append(append([]ask.Token{g.Prefix}, before...), begun...)
	after = append([]ask.Token{g.Suffix}, after...)

	var extra []ask.Token
	if len(r.Extra) > 0 {
		extra = r.extra(g, tokens)
	}
	room := max(0, g.ContextTokens-window-2*max(g.AnswerTokens, 0))
	extra = extra[len(extra)-min(len(extra), room):]

	var all []ask.Token
	if g.Begin >= 0 {
		all = append(all, g.Begin)
	}
	all = append(all, extra...)
	if g.SuffixFirst {
		all = append(append(all, after...), before...)
	} else {
		all = append(append(all, before...), after...)
	}
	return append(all, g.Middle), failed
}

// extra gives the tokens of other files, in the form of a repository if the model
// knows it.
func (r *InfillRequest) extra(g Gap, tokens func(string) []ask.Token) (all []ask.Token) {
	if g.Repository >= 0 {
		all = append(append(all, g.Repository), tokens("myproject\n")...)
	}
	for _, e := range r.Extra {
		if g.File >= 0 {
			name := "tmp"
			if e.Filename != nil {
				name = *e.Filename
			}
			all = append(append(all, g.File), tokens(name+"\n")...)
		} else {
			all = append(all, tokens("\n\n--- snippet ---\n\n")...)
		}
		all = append(all, tokens(*e.Text)...)
	}
	if g.File >= 0 {
		all = append(append(all, g.File), tokens("filename\n")...)
	}
	return all
}
