package calls

// stepText looks for marks in what the model says.
func (p *Parser) stepText() bool {
	if p.fresh {
		return p.stepFresh()
	}
	rest := p.in[p.at:p.limit]
	at, found := p.findInText(rest)
	blanks := 0
	if p.mayCall() && (found == nil || found.does == opensCall) {
		if blanks = min(trailing(rest[:at]), heldBlanks); p.ended && found == nil {
			blanks = 0 // nothing is dropped
		}
	}
	p.tell(Text, rest[:at-blanks], p.at+at-blanks)
	p.at += at - blanks
	if found == nil {
		return false
	}
	p.enter(found, blanks)
	return true
}

func (p *Parser) mayCall() bool { return len(p.options.Tools) > 0 }

// findInText finds the first mark that counts within a text.
func (p *Parser) findInText(rest []byte) (at int, found *marker) {
	for from := 0; ; {
		at, found = p.marks.find(rest[from:], p.ended)
		at += from
		if found == nil || found.does == opensCall || found.does == dropped {
			if found == nil && at < len(rest) && !p.countsInText(rest[at:]) {
				from = at + 1 // may become a mark that does not count here
				continue
			}
			return at, found
		}
		from = at + 1
	}
}

// countsInText reports whether rest may become a mark that counts in a text.
func (p *Parser) countsInText(rest []byte) bool {
	for i := range p.marks.all {
		k := &p.marks.all[i]
		if _, open := begins(rest, k.text); open && (k.does == opensCall || k.does == dropped) {
			return true
		}
	}
	return false
}

// stepFresh looks at the beginning of a text, where all marks count.
func (p *Parser) stepFresh() bool {
	rest := p.in[p.at:p.limit]
	blanks := leading(rest)
	switch {
	case blanks > heldBlanks:
		p.fresh, p.lead = false, false
		return true
	case blanks == len(rest):
		if p.ended {
			if !p.lead {
				p.tell(Text, rest, p.limit)
			}
			p.at = p.limit
		}
		return false
	}
	found, open := p.marks.at(rest[blanks:])
	if open && !p.ended {
		return false
	}
	if p.lead {
		p.at += blanks
		blanks = 0
	}
	if found != nil {
		p.enter(found, blanks)
		return true
	}
	p.fresh, p.lead = false, false
	return true
}

// enter acts on a mark that follows so many blanks, which are not told yet.
func (p *Parser) enter(m *marker, blanks int) {
	begin := p.at + blanks
	switch m.does {
	case opensThought:
		if p.options.RawReasoning {
			p.tell(Text, p.in[p.at:begin+len(m.text)], begin+len(m.text))
		}
		p.at = begin + len(m.text)
		p.think(m.closes)
	case dropped:
		p.at = begin + len(m.text)
	case opensCall:
		p.resume = begin + len(m.text)
		p.pos, p.state, p.strict = p.resume, atCall, false
		p.name, p.id, p.more = "", "", false
		if t := p.form.tagged; t != nil && m.text == t.call {
			p.pos = begin
		}
	case bareJSON:
		p.pos, p.resume, p.strict = begin, begin+1, true
		p.beginObject()
	}
}

// noCall makes text of what looked like a call.
func (p *Parser) noCall() {
	p.tell(Text, p.in[p.at:p.resume], p.resume)
	p.at, p.pos = p.resume, p.resume
	p.name, p.id = "", ""
	p.state, p.fresh, p.lead = inText, false, false
	if p.form.harmony {
		p.state, p.header = inMessage, header{kind: Text}
	}
}

// stepThought looks for the end of what the model thinks.
func (p *Parser) stepThought() bool {
	rest := p.in[p.at:p.limit]
	if p.lead {
		blanks := leading(rest)
		switch {
		case blanks > heldBlanks:
			p.lead = false
			return true
		case blanks == len(rest) && !p.ended:
			return false
		}
		for _, t := range p.form.thoughts { // the prompt had opened it, and the model does again
			yes, open := begins(rest[blanks:], t[0])
			if open && !p.ended && len(rest) > blanks {
				return false
			}
			if yes && t[1] == p.closes {
				p.at += blanks + len(t[0])
				return true
			}
		}
		p.at += blanks
		p.lead = false
		return true
	}
	at, open := indexOf(rest, p.closes, p.ended)
	closed := at < len(rest) && !open
	if p.options.RawReasoning {
		if closed {
			at += len(p.closes)
			p.state, p.fresh = inText, true
		}
		p.tell(Text, rest[:at], p.at+at)
		p.at += at
		return closed
	}
	blanks := min(trailing(rest[:at]), heldBlanks)
	if p.ended && !closed {
		blanks = 0
	}
	p.tell(Reasoning, rest[:at-blanks], p.at+at-blanks)
	p.at += at - blanks
	if !closed {
		return false
	}
	p.at += blanks + len(p.closes)
	p.state, p.fresh, p.lead = inText, true, true
	return true
}

// indexOf returns where text has what, or may begin to have it (open); its
// length if nowhere.
func indexOf(text []byte, what string, ended bool) (at int, open bool) {
	for at = range text {
		if text[at] != what[0] {
			continue
		}
		switch yes, open := begins(text[at:], what); {
		case yes:
			return at, false
		case open && !ended:
			return at, true
		}
	}
	return len(text), false
}

// stepAfter passes over what stands around calls.
func (p *Parser) stepAfter() bool {
	rest := p.in[p.at:p.limit]
	blanks := leading(rest)
	if blanks == len(rest) && !p.ended && blanks <= heldBlanks {
		return false
	}
	waits := false
	for _, c := range p.form.closes {
		if blanks > heldBlanks {
			break
		}
		yes, open := begins(rest[blanks:], c)
		if yes {
			p.at += blanks + len(c)
			return true
		}
		waits = waits || open
	}
	if waits && !p.ended {
		return false
	}
	if n := p.form.named; n != nil && n.comma && blanks < len(rest) && blanks <= heldBlanks && rest[blanks] == ',' {
		p.pos = p.at + blanks + 1
		p.resume, p.state, p.more = p.pos, inName, true
		return true
	}
	if p.form.harmony {
		p.state = betweenMessages
		return true
	}
	p.state, p.fresh, p.lead = inText, true, true
	return true
}
