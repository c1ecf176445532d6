package calls

import (
	"encoding/json/jsontext"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
)

// Options are how one answer is parsed.
type Options struct {
	// Tools are those that may be called; none parses no calls.
	Tools []ask.Tool
	// OneCall ends the answer with the first call.
	OneCall bool
	// RawReasoning leaves what the model thinks in the text, with its marks.
	RawReasoning bool
	// Prompt is the end of the text that the model goes on from, as the
	// template wrote it: it may have opened a thought or a message.
	Prompt string
	// Continues is set if the model goes on with a message that was begun:
	// with its text, or with what it thinks.
	Continues Kind
	// ID makes the identity of a call; nil takes random ones.
	ID func(index int) string
}

// Kind is what a piece of an answer is.
type Kind uint8

const (
	Nothing   Kind = iota
	Text           // what the model says
	Reasoning      // what it thinks
	Call           // a call of a tool, or a part of its arguments
)

// Piece is a part of an answer. Its memory is the parser's, until the next Add
// or End.
type Piece struct {
	Kind  Kind
	Bytes []byte        // of Text and Reasoning: whole characters
	Call  ask.CallPiece // of Call
	// End is how many bytes of the answer are told with this piece.
	End int
}

// Bounds of what a parser holds back.
const (
	heldBlanks = 256      // blanks that may be around a mark
	heldCall   = 16 << 10 // what looks like a call and has no name yet
	heldValue  = 64 << 10 // an argument in tags that is perhaps no string
	heldName   = 256      // a tool's or an argument's name
	heldHeader = 1 << 10  // of a message in harmony's form
)

// state is what the parser is at.
//
//	inText      the answer's text; fresh: nothing was said since the last mark
//	inThought   up to the mark that closes it
//	atCall      behind the mark of a call: what kind is it?
//	inObject    a call or an array of them, as JSON
//	inName      a name that stands before its arguments
//	atArguments between the two
//	inArguments JSON that is handed on
//	inLiteral   arguments that become JSON once they are whole
//	inTagName, atTag, inKey, atValue, inValue   a call in tags
//	afterCall   what stands around calls, without meaning
//	inHeader, inMessage, betweenMessages        harmony
//	over        what comes has no meaning
type state uint8

const (
	inText state = iota
	inThought
	atCall
	inObject
	inName
	atArguments
	inArguments
	inLiteral
	inTagName
	atTag
	inKey
	atValue
	inValue
	afterCall
	inHeader
	inMessage
	betweenMessages
	over
)

// Parser takes an answer apart as it comes. The zero value has to be Reset. It
// belongs to one goroutine.
//
// What is not told yet is in[at:], with a scan up to in[pos]. A call that turns
// out to be none becomes text: what was scanned is in[at:] still.
type Parser struct {
	form    *Form
	options Options
	marks   markers // in the text

	in    []byte
	base  int // bytes of the answer before in
	at    int
	pos   int
	limit int  // of in: whole characters
	ended bool // nothing comes after in
	cut   bool // .. because the model was interrupted

	state  state
	fresh  bool
	lead   bool // blanks that come next are not the text's
	closes string
	resume int // where text goes on if this is no call

	strict  bool // a call must be of a tool that there is: nothing marks it
	object  object
	scan    scanner // of the object
	args    scanner
	within  bool   // the arguments are within the object
	name    string // of a call, or its kind
	kind    bool   // .. its kind
	more    bool   // it follows another one
	id      string
	tags    tags
	schemas map[string]map[string]jsontext.Value // of arguments in tags, by tool and key
	header  header
	bracket
	literalFrom int // where a literal begins, in the answer
	calls       int // begun

	out  []byte
	told []span
	next int
}

// span is a piece, in out.
type span struct {
	kind     Kind
	from, to int
	call     int
	first    bool
	id, name string
	end      int
}

// Reset begins with an answer.
func (p *Parser) Reset(form *Form, o Options) {
	*p = Parser{form: form, options: o, in: p.in[:0], out: p.out[:0], told: p.told[:0], marks: markers{all: p.marks.all[:0]}}
	if o.ID == nil {
		p.options.ID = form.newID
	}
	p.fresh = true
	if form.harmony {
		p.resetHarmony()
		return
	}
	for _, t := range form.thoughts {
		p.marks.add(marker{text: t[0], does: opensThought, closes: t[1]})
	}
	for _, d := range form.drops {
		p.marks.add(marker{text: d, does: dropped})
	}
	if len(o.Tools) > 0 {
		for _, c := range form.calls {
			p.marks.add(marker{text: c, does: opensCall})
		}
		if form.bare {
			p.marks.add(marker{text: "{", does: bareJSON})
			p.marks.add(marker{text: "[", does: bareJSON})
		}
	}
	p.begin()
}

// begin finds out what the prompt has begun.
func (p *Parser) begin() {
	prompt := p.options.Prompt
	for len(prompt) > 0 && blank(prompt[len(prompt)-1]) {
		prompt = prompt[:len(prompt)-1]
	}
	if p.options.Continues == Text {
		p.fresh = false
		return
	}
	for _, t := range p.form.thoughts {
		if p.options.Continues == Reasoning || hasSuffix(prompt, t[0]) {
			p.think(t[1])
			return
		}
	}
	if n := p.form.named; n != nil && len(p.options.Tools) > 0 && n.speech != "" && hasSuffix(prompt, p.form.calls[0]) {
		p.state = inName
	}
}

func hasSuffix(s, end string) bool { return len(s) >= len(end) && s[len(s)-len(end):] == end }

func (p *Parser) think(closes string) {
	p.state, p.closes, p.lead = inThought, closes, !p.options.RawReasoning
}

// Add takes the next bytes of the answer, cut anywhere.
func (p *Parser) Add(text []byte) {
	if p.next == len(p.told) {
		p.out, p.told, p.next = p.out[:0], p.told[:0], 0
	}
	if p.at > 0 {
		p.base += p.at
		p.pos -= p.at
		p.resume -= p.at
		p.in = p.in[:copy(p.in, p.in[p.at:])]
		p.at = 0
	}
	p.in = append(p.in, text...)
	p.limit = whole(p.in)
	p.run()
}

// End says that nothing more comes; cut, that the model was interrupted, so that
// arguments that are not complete stay so. If the model ended them itself, they
// are made whole.
func (p *Parser) End(cut bool) {
	p.Add(nil)
	p.ended, p.cut, p.limit = true, cut, len(p.in)
	p.run()
}

func (p *Parser) run() {
	for p.step() {
		p.pos = max(p.pos, p.at)
	}
	p.pos = max(p.pos, p.at)
}

// whole returns how much of text is whole characters.
func whole(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		c := text[len(text)-n]
		if utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-n:]) {
				return len(text) - n
			}
			break
		}
	}
	return len(text)
}

// step goes on in the text and reports whether it can go on further.
func (p *Parser) step() bool {
	switch p.state {
	case inText:
		return p.stepText()
	case inThought:
		return p.stepThought()
	case atCall:
		return p.stepCall()
	case inObject:
		return p.stepObject()
	case inName:
		return p.stepName()
	case atArguments:
		return p.stepToArguments()
	case inArguments:
		return p.stepArguments()
	case inLiteral:
		return p.stepLiteral()
	case inTagName, atTag, inKey, atValue, inValue:
		return p.stepTags()
	case afterCall:
		return p.stepAfter()
	case inHeader:
		return p.stepHeader()
	case inMessage:
		return p.stepMessage()
	case betweenMessages:
		return p.stepBetween()
	}
	p.at = p.limit // over
	return false
}

// Next returns the next piece, in order, and false if there is none yet.
func (p *Parser) Next(piece *Piece) bool {
	if p.next == len(p.told) {
		return false
	}
	s := &p.told[p.next]
	p.next++
	bytes := p.out[s.from:s.to:s.to]
	*piece = Piece{Kind: s.kind, End: s.end}
	if s.kind == Call {
		piece.Call = ask.CallPiece{Index: s.call, Arguments: bytes}
		if s.first {
			piece.Call.ID, piece.Call.Name = s.id, s.name
		}
	} else {
		piece.Bytes = bytes
	}
	return true
}

// Resolved is how many bytes of the answer are in pieces, or mean nothing.
func (p *Parser) Resolved() int { return p.base + p.at }

// Calls is how many calls were begun.
func (p *Parser) Calls() int { return p.calls }

// Thinks reports whether what comes next is reasoning.
func (p *Parser) Thinks() bool {
	return p.state == inThought && !p.options.RawReasoning || p.state == inMessage && p.header.kind == Reasoning
}

// Over reports that nothing of the answer counts any more: the one call that
// was allowed is made.
func (p *Parser) Over() bool { return p.state == over }

// tell adds a piece, which is told with in[:upTo].
func (p *Parser) tell(kind Kind, bytes []byte, upTo int) {
	if len(bytes) == 0 {
		return
	}
	from := len(p.out)
	p.out = append(p.out, bytes...)
	p.span(kind, from, upTo)
}

// span makes out[from:] a piece, or a part of the last one.
func (p *Parser) span(kind Kind, from, upTo int) {
	end := p.base + upTo
	if n := len(p.told); n > p.next {
		last := &p.told[n-1]
		if last.kind == kind && (kind != Call || last.call == p.calls-1) {
			last.to, last.end = len(p.out), end
			return
		}
	}
	p.told = append(p.told, span{kind: kind, from: from, to: len(p.out), call: p.calls - 1, end: end})
}
