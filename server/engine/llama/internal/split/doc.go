// Package split takes a text apart before the engine library tokenises it, so
// that the tokens of the parts, one after the other, are those of the whole.
//
// # Model
//
// [Specials] finds the tokens that stand for themselves wherever their text
// occurs, such as "<|im_start|>", in one pass and with the library's
// precedence. What lies between them is raw text. [Rules] cuts raw text into
// pieces at places that nothing reaches over:
//
//   - A byte-pair vocabulary splits a text into words by the regular expressions
//     of its pre-tokenizer and merges within a word only. So the end of a word
//     is a place to cut, if the words to its left and right would also be found
//     without the other side. A few kinds of place have this property with
//     all of the library's pre-tokenizers but for those listed with each kind;
//     a test holds every name against the library.
//   - A SentencePiece vocabulary merges neighbours into pieces of the vocabulary
//     alone. Between two characters that are neighbours in no piece nothing is
//     ever merged.
//
// # Why
//
// The library's own way with special tokens is quadratic in their number, its
// regular expressions recurse for each character of a word, and a call cannot
// be broken off: with short pieces its cost is linear, its stack is bounded and
// a caller can stop between two of them.
//
// # Limits
//
// A text that has no place to cut for 32 Ki characters is refused. In unigram,
// WordPiece and RWKV vocabularies no place is known; their limit is higher, as the
// library needs neither stack nor much time for them.
//
// Two things differ from the library in theory. It leaves the order of two
// special tokens of one length to std::sort; here the first that occurs goes
// first. And where a token that swallows spaces stands beside one that begins or
// ends with a space, the spaces may go to the other. No published vocabulary has
// either.
package split
