// Package source writes random Go programs that check themselves.
//
// A program is some frame functions for package stage, put together from
// statements: what the compiler makes of closures, defers in loops, temporaries
// across calls, named results, panics and coroutines decides where a pointer
// lies while a goroutine is parked, and no fixed program has all of it.
//
//	files := source.Program(7, false) // name to text; the same for the same seed
//
// Whatever a program makes it checks, at the latest at the end of the block,
// and no order of statements makes one that is wrong by itself.
package source
