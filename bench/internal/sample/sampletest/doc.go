// Package sampletest helps to test programs that measure for package sample: a test
// runs one within its own process, by the flags that a command line would set, and its
// binary may stand in for the server that the program starts.
//
// The flags are the process's, so tests that set them do not run in parallel.
package sampletest
