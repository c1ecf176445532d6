// Package publish turns results of a run into what the repository keeps of
// them: the JSON files, a report, plots, and the table that the README shows.
//
// # Model
//
// [Write] takes over the results that lie in one directory, experiment by
// experiment, into another, and makes everything else there anew from all
// results that it then holds. So one experiment can be measured again by
// itself; its machine and time stand in its own result.
//
//	err := publish.Write("build/bench", "bench/results", experiments, os.Stderr)
//
// # Limits
//
// Smoke runs are no measurements and are passed over. Nothing is judged here:
// whether a bar holds is in the result, and a loss is drawn like a win.
package publish
