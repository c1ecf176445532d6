// Package llamatest gives tests the engine library and a model small enough
// to load in milliseconds.
//
// The library is not built by tests: a test that needs it is skipped, with
// what to do, where it has not been installed.
package llamatest
