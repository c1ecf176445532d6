// Package ceiling declares a ceiling: the server against a bare decode loop over the same
// library, model, threads and sampler.
//
// measure/ is its command.
package ceiling
