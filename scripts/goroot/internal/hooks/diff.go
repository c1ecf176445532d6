package hooks

import (
	"fmt"
	"strconv"
	"strings"
)

// FileDiff is what a diff without context says about one file.
type FileDiff struct {
	Name   string
	Status Status
	Binary bool
	Hunks  []Hunk
}

// Status is what happens to a file.
type Status int

const (
	Modified Status = iota
	Added
	Deleted
)

// Hunk is one run of changed lines: Old lines from OldStart become New lines
// from NewStart, numbered from 1. Where a side is empty its start is the line
// before the change, as diff has it.
type Hunk struct {
	OldStart, NewStart int
	Old, New           []string
}

// ParseDiff reads the output of git diff -U0 --no-renames.
func ParseDiff(text string) ([]FileDiff, error) {
	var files []FileDiff
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if names, ok := strings.CutPrefix(line, "diff --git a/"); ok {
			files = append(files, FileDiff{Name: names[:max(0, (len(names)-len(" b/"))/2)]})
			continue
		}
		if len(files) == 0 {
			continue
		}
		file := &files[len(files)-1]
		switch {
		case strings.HasPrefix(line, "new file mode"):
			file.Status = Added
		case strings.HasPrefix(line, "deleted file mode"):
			file.Status = Deleted
		case strings.HasPrefix(line, "GIT binary patch"), strings.HasPrefix(line, "Binary files"):
			file.Binary = true
		case strings.HasPrefix(line, "@@ "):
			hunk, used, err := parseHunk(lines[i:])
			if err != nil {
				return nil, fmt.Errorf("hooks: parse the diff of %s: %w", file.Name, err)
			}
			file.Hunks = append(file.Hunks, hunk)
			i += used - 1
		}
	}
	return files, nil
}

// parseHunk reads a hunk at the head of lines and says how many it took.
func parseHunk(lines []string) (h Hunk, used int, err error) {
	words := strings.Fields(lines[0])
	if len(words) < 4 {
		return h, 0, fmt.Errorf("bad hunk header %q", lines[0])
	}
	var oldLines, newLines int
	if h.OldStart, oldLines, err = parseRange(words[1], "-"); err != nil {
		return h, 0, err
	}
	if h.NewStart, newLines, err = parseRange(words[2], "+"); err != nil {
		return h, 0, err
	}
	for used = 1; used < len(lines) && (len(h.Old) < oldLines || len(h.New) < newLines); used++ {
		switch line := lines[used]; {
		case strings.HasPrefix(line, "-"):
			h.Old = append(h.Old, line[1:])
		case strings.HasPrefix(line, "+"):
			h.New = append(h.New, line[1:])
		case !strings.HasPrefix(line, `\`):
			return h, 0, fmt.Errorf("bad line %q in a hunk", line)
		}
	}
	if len(h.Old) != oldLines || len(h.New) != newLines {
		return h, 0, fmt.Errorf("hunk %q is cut off", lines[0])
	}
	return h, used, nil
}

// parseRange reads "-12,3" or "-12".
func parseRange(word, sign string) (start, count int, err error) {
	first, second, two := strings.Cut(strings.TrimPrefix(word, sign), ",")
	if start, err = strconv.Atoi(first); err != nil {
		return 0, 0, fmt.Errorf("bad range %q", word)
	}
	count = 1
	if two {
		if count, err = strconv.Atoi(second); err != nil {
			return 0, 0, fmt.Errorf("bad range %q", word)
		}
	}
	if start < 0 || count < 0 {
		return 0, 0, fmt.Errorf("bad range %q", word)
	}
	return start, count, nil
}
