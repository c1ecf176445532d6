package series

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// fileForm is the form of a patch's file name.
var fileForm = regexp.MustCompile(`^[0-9]{4}-[A-Za-z0-9._-]+\.patch$`)

// Series is the patches in the order in which they apply.
type Series []Patch

// Read reads the series in dir. Other files there are left alone; a .patch
// file of another form is an error, since nobody would apply it.
func Read(dir string) (Series, error) {
	entries, err := os.ReadDir(dir) // sorted by name, so by number
	if err != nil {
		return nil, fmt.Errorf("series: read: %w: run this in the checkout, or name the folder with --patches", err)
	}
	var s Series
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".patch" {
			continue
		}
		if !fileForm.MatchString(entry.Name()) {
			return nil, fmt.Errorf("series: read %s: the name is not of the form NNNN-topic.patch: rename it", entry.Name())
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("series: read: %w", err)
		}
		p, err := Parse(entry.Name(), text)
		if err != nil {
			return nil, err
		}
		if n := len(s); n > 0 && s[n-1].Name[:4] == p.Name[:4] {
			return nil, fmt.Errorf("series: read: %s and %s have the same number: renumber one", s[n-1].Name, p.Name)
		}
		s = append(s, p)
	}
	return s, nil
}

// Digest identifies what the series does: its texts in order, whatever the files are called.
func (s Series) Digest() string {
	h := sha256.New()
	for _, p := range s {
		fmt.Fprintf(h, "%d\n", len(p.Text))
		h.Write(p.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Files lists the files that the series names, each once.
func (s Series) Files() []string {
	var files []string
	seen := map[string]bool{}
	for _, p := range s {
		for _, name := range p.Files {
			if !seen[name] {
				seen[name] = true
				files = append(files, name)
			}
		}
	}
	return files
}

// Difference is how one file of a series differs from another series'.
type Difference struct {
	Name string
	Kind string // "changed", "only before", "only after"
}

// Diff lists the files that differ between before and after.
func Diff(before, after Series) []Difference {
	var out []Difference
	rest := map[string][]byte{}
	for _, p := range after {
		rest[p.Name] = p.Text
	}
	for _, p := range before {
		text, ok := rest[p.Name]
		switch {
		case !ok:
			out = append(out, Difference{p.Name, "only before"})
		case !bytes.Equal(text, p.Text):
			out = append(out, Difference{p.Name, "changed"})
		}
		delete(rest, p.Name)
	}
	for _, p := range after {
		if _, ok := rest[p.Name]; ok {
			out = append(out, Difference{p.Name, "only after"})
		}
	}
	return out
}

// Print writes the differences, one a line.
func Print(w io.Writer, differences []Difference) {
	for _, d := range differences {
		fmt.Fprintf(w, "  %-12s %s\n", d.Kind, d.Name)
	}
}
