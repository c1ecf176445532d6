package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	out := &bytes.Buffer{}
	trained := &trainer{recipe: demo(), step: 99, loss: 5, targets: 10, tokens: 30_000}
	trained.recipe.Steps = 400
	p := newProgress(out, false, trained)
	p.show()
	if out.Len() > 0 {
		t.Errorf("a line for step 99: %q", out)
	}
	trained.step, trained.elapsed = 100, 2*time.Second
	p.frames, p.free = 0.5, 0.25
	p.show()
	const want = "100/400  loss 0.5000  frames 50 %  free 25 %  0.03 M tokens  15.0 k/s  "
	if line := out.String(); !strings.HasPrefix(line, want) || strings.Count(line, "#") != (strings.Count(line, "#")+strings.Count(line, "-"))/4 || len(line) != usualWidth {
		t.Errorf("%q, want %q and a bar", line, want)
	}
	out.Reset()
	p.end()
	if out.Len() > 0 {
		t.Errorf("the line of step 100 again: %q", out)
	}
	trained.step = 101
	p.end()
	if !strings.HasPrefix(out.String(), "101/400 ") {
		t.Errorf("no last line: %q", out)
	}
	// A terminal's line is written over, and fits.
	p.terminal = true
	out.Reset()
	p.show()
	p.shown = time.Now().Add(time.Hour) // as if the next came at once
	p.show()
	if text := out.String(); strings.Count(text, "\r") != 1 || strings.Contains(text, "\n") || len(text) > usualWidth+len("\r\x1b[K") {
		t.Errorf("%q", text)
	}
}
