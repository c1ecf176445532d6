// Package hftokenizer turns the tokenizer of a Hugging Face model folder
// (tokenizer.json and tokenizer_config.json) into the tokenizer.* metadata of
// a GGUF file, as llama.cpp reads it.
//
// # Model
//
// [Read] reads and checks the folder, [Tokenizer.Metadata] writes. Two kinds
// are known:
//
//   - byte-level BPE (GPT-2's kind): tokens, types and merges go over as they
//     are. How text is split before merging is not in a GGUF file, only the
//     name of one of the splits that the library has built in; it is found
//     by the expressions of the pre_tokenizer ([PreTokenizers] lists the names).
//   - BPE over characters with byte fallback (SentencePiece's kind, as Llama 2
//     and Gemma have it): the library joins pieces by score, so each piece gets
//     the negative rank of the first merge that makes it.
//
// Added tokens become control tokens if they are special, else user-defined
// ones; numbers that nothing has are filled with unused tokens. Whether a text
// begins with the begin token follows add_bos_token, and without it the
// post-processor's template.
//
// # Limits
//
// Unigram and WordPiece models, and splits that the library does not have, are
// refused. What the library does not do though the tokenizer asks for it, such
// as Unicode normalization, is reported by [Tokenizer.Notes]; the committed
// table of `make test-vocab` says what follows for which texts. A number that
// a GGUF file must have and the tokenizer leaves out (a begin token) is that of
// the padding, else of the end token.
package hftokenizer
