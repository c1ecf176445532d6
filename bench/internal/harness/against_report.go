package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// WriteText writes a table of what both revisions measured: medians with their
// confidence intervals, the ratio new/old, and the U test's p.
func (c Comparison) WriteText(w io.Writer) {
	fmt.Fprintf(w, "## %s: %s against %s\n\nBoth by %s, in turns, %v rounds.\n\n| measurement | old | new | new/old | p |\n|---|---|---|---|---|\n",
		c.ID, c.Title, c.Old, c.Go, c.Params["rounds"])
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		m := c.Metrics[name]
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", name, spreadText(m, oldSide), spreadText(m, newSide), ratioText(m.Ratio), probabilityText(m.P))
	}
	fmt.Fprintf(w, "\nMachine: %s\n", c.Machine)
	for _, warning := range c.Warnings {
		fmt.Fprintf(w, "\nWarning: %s.\n", warning)
	}
	fmt.Fprintln(w)
}

// writeComparisons writes all comparisons that lie in a directory.
func writeComparisons(w io.Writer, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"+AgainstInfix+"*.json"))
	if err != nil {
		return fmt.Errorf("harness: find comparisons: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("harness: read comparison: %w", err)
		}
		var c Comparison
		if err := json.Unmarshal(text, &c); err != nil {
			return fmt.Errorf("harness: read comparison %s: %w: remove it and compare again", file, err)
		}
		fmt.Fprintln(w)
		c.WriteText(w)
	}
	return nil
}
