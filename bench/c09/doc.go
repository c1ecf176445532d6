// Package c09 declares the article's group queues: an inference group and a monitoring
// group with a quota in one process, the collector at work.
//
// measure/ is its command.
package c09
