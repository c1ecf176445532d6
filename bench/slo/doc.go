// Package slo declares the objective of streams: eight of them that want no more than so
// long between two tokens, beside prompts of 4 000 tokens without end.
//
// measure/ is its command.
package slo
