// Package tax declares a bar on programs without groups: what Go's own benchmarks of
// the runtime cost on our toolchain.
//
// measure/ is its command.
package tax
