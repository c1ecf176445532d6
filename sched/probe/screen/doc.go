// Package screen shows what a [probe.Probe] counts: live in a terminal, as tables one
// after another, or as lines of JSON.
//
//	p, err := probe.Attach(pid, probe.Config{})
//	...
//	err = screen.Show(ctx, p, os.Stdout, screen.Config{Title: "process 1234", Terminal: true})
//
// # Model
//
// Each interval a [Source] is read, and what has happened since the reading before is
// shown: rates and shares are of the interval, who is in which state is of its end.
// In a terminal, groups are on top; below are threads or goroutines, which Tab
// changes; the space bar holds the picture, q ends it.
//
// # Limits
//
// Rows that the terminal has no room for are not shown. Where a table is longer than
// listed rows it is cut; JSON has all.
package screen
