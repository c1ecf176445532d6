// Package llama is the inference engine on llama.cpp's C library, in process
// and without cgo: libllama is opened at run time and called through purego.
//
// # Model
//
//	dir, err := llama.FindLibrary()
//	lib, err := llama.Open(dir, slog.Default())
//	model, err := lib.Load(ctx, "model.gguf", engine.ModelConfig{})
//	llm, err := model.NewContext(engine.ContextConfig{MaxSequences: 8})
//
// A process opens one library, once, and keeps it: C code cannot be unloaded
// while its threads may live. The CPU variant that suits the machine best is
// chosen then. What follows is package engine's interface.
//
// # ABI
//
// llama.cpp promises no stable ABI, and structs passed by value that have
// moved a field corrupt silently. So [Open] checks before anything is used:
// that each function needed exists, that the library is of the release this
// package was written for, and that it fills its parameter structs exactly as
// our declarations lay them out. If not, it returns an [ABIError] and the
// library is closed again.
//
// # Threads
//
// The library's threads wait for each other at a spinning barrier, some
// hundred times a token. A thread more than there are cores costs 30 to 50
// times the speed, not a few percent, and Go's own threads count. By default
// a context therefore computes on the cores this process may use, less one.
//
// # Text
//
// The library's tokenizer recurses for each character of a word, is quadratic in
// control tokens, cannot be broken off, and ends the process over some texts. So
// it is called for pieces of a few milliseconds that together give the tokens of
// the whole, on stacks of 32 MB address space, at as many desks as cores are free
// of decoding (engine.ModelConfig.Tokenizers). What it could not survive is an
// engine.TextError: more than 32 Ki characters that are one word to it, and
// characters that the vocabulary cannot spell.
//
// # Sequences
//
// Each sequence has a KV cache of its own, so one never pays attention time
// for the others' tokens. The library computes rows of sequences i, i+1, i+2…
// together and splits the batch where an id is missing: low ids without gaps
// are faster. The order of rows in a batch does not matter.
//
// # Files
//
// A model file is checked by package check before the library gets it, and
// package trial has a child process load it first. While it is mapped, a read of
// a part that the file has lost gives zeros instead of SIGBUS, and Decode fails
// with [ErrFileChanged]; a model's Watch(ctx) says so of a change that nothing
// has read yet. Unload unmaps it, and Reload takes the same content alone.
//
// # Determinism
//
// The same calls give the same tokens. A sequence's greedy tokens also do not
// depend on what else is in the batch with weights in F32 and in quantised
// types. With F16 and BF16 the library multiplies a batch by another kernel
// than a single row, and where two tokens are all but equally likely that can
// tip the choice.
//
// With a fixed shape (engine.ContextConfig.FixedShape) a row's logits are those of its
// own sequence to the last bit, also with F16 and BF16; see fixed.go for how. It is for
// CPUs and for caches of keys and values alone, and whether this processor and this file
// keep it is tried when the context is made: some types do so only in the file's own
// order (engine.ModelConfig.NoRepack). Another number of threads changes nothing;
// another processor, or another release of the library, may.
//
// # Limits
//
// Linux on amd64 with glibc 2.34 or newer and libstdc++. At most 256
// sequences a context. A failed assertion inside the library ends the
// process, so every argument is checked here first. Abort reaches CPU
// backends between two operations of the graph.
package llama
