package pace

// Drafts is what is known of tokens that are guessed and computed ahead in a step.
type Drafts struct {
	// StepSeconds is what a step takes without them and without prompts.
	StepSeconds float64
	// RowSeconds is what each of them adds.
	RowSeconds float64
	// Rows is how many there is time for, beside the prompts too.
	Rows int
}

// mostDrafts bounds Drafts.Rows.
const mostDrafts = 1 << 20

// Drafts says what guesses cost a step that has so many tokens of prompts. There are
// none where that is not known yet, and none where the step is late without them. Where
// several sequences decode, guesses for one of them lengthen the step by part at most:
// the others' tokens wait for them.
func (p *Learned) Drafts(d Demand, prompts int, part float64) Drafts {
	s := &p.state
	if !s.cost.known() || d.DecodeRows == 0 {
		return Drafts{}
	}
	row, alone := s.cost.each[perDraft], s.withoutPrompts(&d)
	step := s.cost.of(s.rows(float64(d.DecodeRows), float64(prompts), float64(d.DecodeContext), float64(prompts*d.PromptContext)))
	rows := float64(mostDrafts)
	if d.DecodeRows > 1 {
		rows = min(rows, part*step/row)
	}
	if d.Objectives.TPOT > 0 {
		rows = min(rows, (d.Objectives.TPOT.Seconds()/s.room()-step)/row)
	}
	return Drafts{StepSeconds: alone, RowSeconds: row, Rows: int(max(0, rows))}
}
