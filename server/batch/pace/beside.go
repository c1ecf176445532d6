package pace

// Beside is how many rows more a step may have, of the dearer kind, to take longer by
// at most a part of what it takes with so many that decode and so many of prompts. It
// is 0 where that is not known.
func (p *Learned) Beside(decodes, prompts int, part float64) (rows int) {
	c := &p.state.cost
	if !c.known() || decodes+prompts == 0 {
		return 0
	}
	left := part * c.of(newRows(decodes, prompts)) / max(c.each[perDecode], c.each[perPrompt])
	return int(min(left, 1<<20))
}
