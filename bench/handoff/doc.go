// Package handoff declares a bar on C calls: how long goroutines wait behind one, and a
// goroutine that comes back from one.
//
// measure/ is its command.
package handoff
