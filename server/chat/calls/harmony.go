package calls

import (
	"bytes"
	"strings"
)

// The marks of harmony, the form of gpt-oss: an answer is messages, each with a
// header that says its channel and, if it is a call, its recipient.
//
//	<|channel|>analysis<|message|>…<|end|>
//	<|start|>assistant to=functions.name<|channel|>commentary json<|message|>{…}<|call|>
//	<|start|>assistant<|channel|>final<|message|>…<|return|>
const (
	harmonyStart     = "<|start|>"
	harmonyChannel   = "<|channel|>"
	harmonyMessage   = "<|message|>"
	harmonyConstrain = "<|constrain|>"
)

// harmonyEnds end a message.
var harmonyEnds = []string{"<|end|>", "<|call|>", "<|return|>"}

// messageEnds also begin the next without an end of this.
var messageEnds = append([]string{harmonyStart, harmonyChannel}, harmonyEnds...)

// headerBegins are what a header begins with, behind the role.
var headerBegins = []string{harmonyChannel, harmonyMessage, harmonyConstrain, " to=", "to=", " " + harmonyChannel}

// header is the message that the parser is in.
type header struct {
	kind Kind
	raw  bool // its marks are text
	role bool // the role is still to come
}

func (p *Parser) resetHarmony() {
	p.state = inHeader
	prompt := strings.TrimRight(p.options.Prompt, " \r\n\t")
	switch p.options.Continues {
	case Text:
		p.state, p.header = inMessage, header{kind: Text}
		return
	case Reasoning:
		p.state, p.header = inMessage, p.thinking()
		return
	}
	if begun, ok := strings.CutSuffix(prompt, harmonyMessage); ok {
		p.state, p.header = inMessage, header{kind: Text}
		if channel, _ := headerFields(begun[max(0, strings.LastIndex(begun, harmonyStart)):]); channel == "analysis" {
			p.header = p.thinking()
		}
	}
}

func (p *Parser) thinking() header {
	if p.options.RawReasoning {
		return header{kind: Text, raw: true}
	}
	return header{kind: Reasoning}
}

// stepHeader reads a message's header.
func (p *Parser) stepHeader() bool {
	rest := p.in[p.at:p.limit]
	if !p.header.role {
		known, waits := false, false
		for _, b := range headerBegins {
			yes, open := begins(rest, b)
			known, waits = known || yes, waits || open
		}
		if !known && waits && !p.ended {
			return false
		}
		if !known { // a model that was not trained so
			p.state, p.header = inMessage, header{kind: Text}
			return true
		}
	}
	at, open := indexOf(rest, harmonyMessage, p.ended)
	if at > heldHeader || p.ended && at == len(rest) {
		p.state, p.header = inMessage, header{kind: Text}
		return true
	}
	if open || at == len(rest) {
		return false
	}
	channel, recipient := headerFields(string(rest[:at]))
	end := p.at + at + len(harmonyMessage)
	name, function := strings.CutPrefix(recipient, "functions.")
	switch {
	case p.mayCall() && name != "" && (function || p.tool(name) != nil):
		p.resume, p.pos = end, end
		if p.form.tagged != nil && strings.Contains(string(rest[:at]), "xml") && p.callable(name) {
			p.beginCall(name, "")
			p.name, p.tags, p.state = name, tags{}, atTag
			p.tell(Call, []byte("{"), p.pos)
			break
		}
		p.name, p.id, p.kind, p.strict, p.state = name, "", false, false, atArguments
	case channel == "analysis":
		p.beginMessage(p.thinking(), end)
	default:
		p.beginMessage(header{kind: Text}, end)
	}
	return true
}

// beginMessage goes on behind a header.
func (p *Parser) beginMessage(h header, end int) {
	if h.raw {
		p.tell(Text, p.in[p.at:end], end)
	}
	p.header, p.at, p.state = h, end, inMessage
}

// headerFields returns a header's channel and recipient, "" if it has none.
func headerFields(text string) (channel, recipient string) {
	word := func(after string) string {
		_, rest, _ := strings.Cut(text, after)
		if at := strings.IndexAny(rest, " \t\n<"); at >= 0 {
			rest = rest[:at]
		}
		return rest
	}
	return word(harmonyChannel), word("to=")
}

// stepMessage hands on a message up to its end.
func (p *Parser) stepMessage() bool {
	rest := p.in[p.at:p.limit]
	at, end, _ := earliest(rest, messageEnds, p.ended)
	p.tell(p.header.kind, rest[:at], p.at+at)
	p.at += at
	if end == "" {
		return false
	}
	if p.header.raw && end != harmonyChannel { // that one is the next header's
		p.tell(Text, []byte(end), p.at+len(end))
	}
	p.header = header{}
	switch end {
	case harmonyChannel:
		p.state = inHeader
		return true
	case harmonyStart:
		p.state, p.header.role = inHeader, true
	default:
		p.state = betweenMessages
	}
	p.at += len(end)
	return true
}

// stepBetween looks for the next message.
func (p *Parser) stepBetween() bool {
	rest := p.in[p.at:p.limit]
	trimmed := bytes.TrimLeft(rest, "\r\n\t ")
	blanks := len(rest) - len(trimmed)
	start, open := begins(trimmed, harmonyStart)
	channel, also := begins(trimmed, harmonyChannel)
	switch {
	case len(trimmed) == 0 && blanks <= heldBlanks || (open || also) && !p.ended:
		if p.ended {
			p.at = p.limit
		}
		return false
	case start:
		p.at += blanks + len(harmonyStart)
		p.state, p.header = inHeader, header{role: true}
	case channel:
		p.at += blanks
		p.state, p.header = inHeader, header{}
	default:
		p.state, p.header = inMessage, header{kind: Text}
	}
	return true
}
