package worktree

import (
	"bytes"
	"slices"

	"github.com/weirgo/weir/scripts/goroot/internal/hooks"
)

// Conflict markers, in the style that shows the base: ours is the new version
// of Go, base the one that the patch was made for, theirs is base and patch.
const (
	markerOurs   = "<<<<<<< "
	markerBase   = "||||||| "
	markerSplit  = "======="
	markerTheirs = ">>>>>>> "
)

// region is one conflict in a file: its line there, its lines in the text of
// ours and of theirs (the last before the first where a side is empty), and
// what the patch does in it.
type region struct {
	line         int
	ours, theirs [2]int
	change       []string
}

// sides takes a file with markers apart into both texts.
func sides(content []byte) (ours, theirs []byte, regions []region) {
	var d divider
	for line := range bytes.Lines(content) {
		d.line(line)
	}
	return d.ours.text, d.theirs.text, d.regions
}

// text is one side, line by line.
type text struct {
	text  []byte
	lines int
}

func (t *text) add(line []byte) {
	t.text = append(t.text, line...)
	t.lines++
}

// divider reads a file with markers. state is the marker that it is behind,
// empty outside of conflicts.
type divider struct {
	ours, theirs text
	base, patch  []string // lines of the open region
	regions      []region
	state        string
	number       int
}

func (d *divider) line(line []byte) {
	d.number++
	is := func(marker string) bool { return bytes.HasPrefix(line, []byte(marker)) }
	switch {
	case d.state == "" && is(markerOurs):
		d.state = markerOurs
		d.base, d.patch = nil, nil
		d.regions = append(d.regions, region{line: d.number, ours: [2]int{d.ours.lines + 1}, theirs: [2]int{d.theirs.lines + 1}})
	case d.state == markerOurs && is(markerBase):
		d.state = markerBase
	case (d.state == markerOurs || d.state == markerBase) && is(markerSplit):
		d.state = markerSplit
	case d.state == markerSplit && is(markerTheirs):
		d.state = ""
		last := &d.regions[len(d.regions)-1]
		last.ours[1], last.theirs[1] = d.ours.lines, d.theirs.lines
		last.change = change(d.base, d.patch)
	case d.state == "":
		d.ours.add(line)
		d.theirs.add(line)
	case d.state == markerOurs:
		d.ours.add(line)
	case d.state == markerBase:
		d.base = append(d.base, string(bytes.TrimRight(line, "\n")))
	case d.state == markerSplit:
		d.theirs.add(line)
		d.patch = append(d.patch, string(bytes.TrimRight(line, "\n")))
	}
}

// change lists the lines that the patch removes from base and those it adds.
// It compares whole lines without regard to order, which is enough to name a hook.
func change(base, patch []string) []string {
	var out []string
	for _, line := range base {
		if !slices.Contains(patch, line) {
			out = append(out, "-"+line)
		}
	}
	for _, line := range patch {
		if !slices.Contains(base, line) {
			out = append(out, "+"+line)
		}
	}
	return out
}

// hasMarkers reports conflict markers at the beginnings of lines.
func hasMarkers(content []byte) bool {
	for line := range bytes.Lines(content) {
		if bytes.HasPrefix(line, []byte(markerOurs)) || bytes.HasPrefix(line, []byte(markerTheirs)) {
			return true
		}
	}
	return false
}

// places maps each conflict in a file to the declarations of both sides.
func places(name string, content []byte) []Place {
	ours, theirs, regions := sides(content)
	oursDecls, theirsDecls := hooks.Decls(name, ours), hooks.Decls(name, theirs)
	var out []Place
	for _, r := range regions {
		out = append(out, Place{
			File:   name,
			Line:   r.line,
			Here:   around(oursDecls, r.ours),
			Patch:  around(theirsDecls, r.theirs),
			Change: r.change,
		})
	}
	return out
}

// around returns the declarations that hold the lines; for no lines, the one
// that the gap is in.
func around(decls []hooks.Decl, lines [2]int) []string {
	if lines[1] >= lines[0] {
		return hooks.At(decls, lines[0], lines[1])
	}
	before, after := hooks.At(decls, lines[1], lines[1]), hooks.At(decls, lines[0], lines[0])
	return slices.DeleteFunc(before, func(name string) bool { return !slices.Contains(after, name) })
}
