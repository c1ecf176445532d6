// Package series reads and writes a patch series: NNNN-topic.patch files of
// git am text without noise, so that equal commits give equal bytes.
//
// A file's name is git's own: the number, then the subject with every run of
// other characters turned into a dash, cut at 64 bytes. The text has a zero
// commit id, no signature, no [PATCH n/m], no diffstat, and full blob ids,
// which three-way merging needs. Author and author's date are the commit's.
//
// The message says what and why, and holds these fields, each a line of its
// own that may go on over the following lines up to an empty one:
//
//	Forwarded:  sent upstream or not, and why
//	Touches:    the declarations hooked in stock files, or none
//	Stock-Cost: what a program without groups pays
package series
