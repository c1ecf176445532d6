// Package c04 declares the article's mistake 1: how long an inference group waits for a
// processor beside many goroutines, sleeping and computing ones.
//
// measure/ is its command.
package c04
