// Package c11 declares the article's tuning of the garbage collector from the state of a
// KV cache: its rules, and ours, against what Go does by itself.
//
// measure/ is its command.
package c11
