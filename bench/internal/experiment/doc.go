// Package experiment is the form in which an experiment is declared: what the
// article claims, what is measured, which measurement decides, and the bars
// that must hold.
//
// # Model
//
// bench/<id> declares one, a [Declaration], and bench/<id>/measure is its
// command. Both know the same [Metric]s: the command refuses to record another
// one, and package harness asks it, before the first round, which ones it will
// measure with the flags it is given, so that no bar waits for what never
// comes.
//
// An [Arm] is one thing compared, a [Round] what all arms measured once.
//
// # Limits
//
// A declaration holds no measuring code; Derive computes from what a round
// measured, and nothing else.
package experiment
