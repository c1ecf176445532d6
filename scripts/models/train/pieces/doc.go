// Package pieces learns a vocabulary from texts and cuts texts into it, as the
// engine library does with the same vocabulary.
//
// # Model
//
// The tokenizer is of llama.cpp's kind "llama": a text is cut into characters,
// a space being "▁", and the two neighbours join first whose joined text is the
// piece of the best score, the first of them where scores are equal. What is no
// piece is spelt in bytes, so that every text comes back.
//
// [Learn] joins the pair of neighbours that is most frequent, again and again,
// within words: a run of letters with the space before it, a run of marks, a
// single digit. No piece goes beyond a word, so no text joins with what is
// before or after it there.
//
//	v := pieces.Learn(texts, 1536)
//	ids := v.Encode(nil, pieces.Part{Text: "<|im_start|>user\n", Control: true}, pieces.Part{Text: question})
//
// # Limits
//
// Texts are UTF-8. Encode takes time of n·log n.
package pieces
