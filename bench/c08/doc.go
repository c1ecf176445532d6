// Package c08 declares the article's inference loop beside logging and JSON: what
// the collector, and the wait for a processor, take from it.
//
// measure/ is its command.
package c08
