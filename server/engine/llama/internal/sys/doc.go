// Package sys is libllama's C ABI of release 0.5.0: struct layouts, the
// functions used, and calls to them through purego. Nothing here checks
// arguments or keeps state; package llama does.
//
// Layouts follow the System V ABI on amd64. Sizes and offsets are asserted at
// compile time against the numbers read off the library's own machine code,
// and at run time by [Library.Layouts].
package sys
