// Package sampling declares an experiment: what drawing tokens, and reading
// log-probabilities, costs a client and the others beside it, by the size of the
// vocabulary.
//
// measure/ is its command.
package sampling
