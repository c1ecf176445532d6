package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// progress shows how far a training is.
type progress struct {
	out      io.Writer
	terminal bool
	trainer  *trainer
	first    int // steps done when it began

	frames, free float64 // shares, -1 before the first score
	shown        time.Time
	rate         float64 // seconds a step, of the last steps more than of the first
	last         time.Duration
}

// How often it shows something.
const (
	showEvery = 500 * time.Millisecond // on a terminal, over the line before
	showSteps = 100                    // elsewhere, a line of its own
	barWidth  = 40
	leastBar  = 8
	// usualWidth is of lines that are no terminal's, or of one that does not say.
	usualWidth = 120
	// lossTargets is how many targets the loss is a mean of, about.
	lossTargets = 20_000
)

func newProgress(out io.Writer, terminal bool, t *trainer) *progress {
	return &progress{out: out, terminal: terminal, trainer: t, first: t.step, frames: -1, free: -1}
}

// score asks some of the held-out questions.
func (p *progress) score(limit int) (err error) {
	if p.frames, err = p.trainer.score(p.trainer.frames, limit); err != nil {
		return err
	}
	p.free, err = p.trainer.score(p.trainer.free, limit)
	return err
}

// show is called after each step.
func (p *progress) show() {
	t := p.trainer
	took := (t.elapsed - p.last).Seconds()
	p.last = t.elapsed
	if p.rate == 0 {
		p.rate = took
	}
	p.rate += (took - p.rate) / 20
	if p.terminal {
		if now := time.Now(); now.Sub(p.shown) >= showEvery {
			p.shown = now
			fmt.Fprintf(p.out, "\r%s\x1b[K", p.line())
		}
		return
	}
	if t.step%showSteps == 0 || t.step == t.recipe.Steps {
		fmt.Fprintln(p.out, p.line())
	}
}

// end shows the last state.
func (p *progress) end() {
	done := p.trainer.step
	switch {
	case p.terminal:
		fmt.Fprintf(p.out, "\r%s\x1b[K\n", p.line())
	case done%showSteps != 0 && done != p.trainer.recipe.Steps: // not shown yet
		fmt.Fprintln(p.out, p.line())
	}
}

// line is the state in one line, with a bar as long as there is room for. The
// loss is of the last steps: the older, the less it counts.
func (p *progress) line() string {
	t := p.trainer
	line := fmt.Sprintf("%d/%d  loss %.4f", t.step, t.recipe.Steps, t.loss/float64(max(t.targets, 1)))
	if t.targets > lossTargets {
		t.loss, t.targets = t.loss/2, t.targets/2
	}
	if p.frames >= 0 {
		line += fmt.Sprintf("  frames %.0f %%  free %.0f %%", 100*p.frames, 100*p.free)
	}
	left := time.Duration(p.rate * float64(t.recipe.Steps-t.step) * float64(time.Second))
	line += fmt.Sprintf("  %.2f M tokens  %.1f k/s  %s left", float64(t.tokens)/1e6,
		float64(t.tokens)/max(t.elapsed.Seconds(), 1e-9)/1e3, left.Round(time.Second))
	width := p.width()
	room := min(width-1-len(line)-len("  []"), barWidth)
	if room < leastBar {
		return line[:max(min(len(line), width-1), 0)]
	}
	done := t.step * room / t.recipe.Steps
	return line + "  [" + strings.Repeat("#", done) + strings.Repeat("-", room-done) + "]"
}

// width returns how many columns a line has.
func (p *progress) width() int {
	if file, ok := p.out.(*os.File); ok && p.terminal {
		if size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
			return int(size.Col)
		}
	}
	return usualWidth
}
