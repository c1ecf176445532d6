package harness

import (
	"fmt"
	"io"
	"maps"
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
	for _, warning := range c.Warnings {
		fmt.Fprintf(w, "\nWarning: %s.\n", warning)
	}
	fmt.Fprintln(w)
}
