// Package prefix finds which of the sequences that are computed begins most like a
// prompt.
//
// # Model
//
// A [Tree] is a compressed radix tree over token ids. Each entry in it is a number
// that its owner gave, such as a sequence of an engine's context, and stands for the
// tokens that are computed of it. [Tree.Match] walks down a prompt and gives the entry
// that shares the most of it; what both share is computed already.
//
// An entry has a key, and is found by that key alone. Who shares a cache with
// strangers can time his own prompts to learn whether somebody else has sent the
// same: one key for each of those who must not learn that of each other.
//
// Entries are in order of use: [Tree.Oldest] is the one to give up when there is no
// room for another.
//
//	var tree prefix.Tree
//	tree.Set(0, "", prompt)
//	tree.Extend(0, answer)
//	id, shared := tree.Match("", next, nil)
//
// # Limits
//
// It belongs to one goroutine. Its memory is four bytes for each token that no other
// entry of the key has at the same place, after the same tokens, and some hundred for
// each entry. A lookup takes time for the tokens that are shared and, at the place
// where they end, for the entries that share them.
package prefix
