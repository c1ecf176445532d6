// Package stocktest makes small stand-ins for Go's source for tests: trees of a
// few files in the form of toolchain modules, and a module proxy that serves
// them to the real go command.
//
// There are three versions. 1.99.2 is 1.99.1 with lines moved; a series for
// 1.99.1 merges onto it. 1.98.3 lacks what the later ones have: a file, a
// function's lines, a neighbour; the same series conflicts there.
package stocktest
