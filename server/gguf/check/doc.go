// Package check finds what is wrong with a model file before the engine
// library sees it.
//
// # Model
//
// The library is C++ that ends the process on what it does not expect, so a
// file has to be looked at by something that returns errors. [File] reads all
// metadata, of all parts of a split model, and the weights of the norms, and
// refuses
//
//   - what the library's reader asserts or reads out of bounds: keys, names,
//     types, offsets;
//   - hyper-parameters it computes with unchecked: layers, heads, experts, the
//     context, epsilons and rope's numbers;
//   - vocabularies whose tokens are missing, doubled or of the wrong kind, so
//     that some text could not be tokenised;
//   - norm weights that are no numbers.
//
// Rules that hold for one architecture are applied to the architectures listed
// here; an architecture this package does not know passes, and what is wrong
// with it shows when package trial has a child process load it.
//
// # Limits
//
// The weights themselves are not read, except norms up to [MaxNormBytes]. What
// a file's numbers mean to the library is known for the release that package
// llama is written for.
package check
