package pace

// Beside is how many rows more a step may have, of the dearer kind, to take longer by
// at most a part of what it takes with so many that decode and so many of prompts. It
// is 0 where that is not known.
func (p *Learned) Beside(decodes, prompts int, part float64) (rows int) {
	s := &p.state
	if !s.cost.known() || decodes+prompts == 0 {
		return 0
	}
	one := s.usual(1, 1)
	dearer := max(one[perDecode]*s.cost.each[perDecode], one[perPrompt]*s.cost.each[perPrompt])
	return int(min(part*s.cost.of(s.usual(decodes, prompts))/dearer, 1<<20))
}
