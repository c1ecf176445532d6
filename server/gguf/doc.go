// Package gguf reads and writes model files in GGUF, the container that
// llama.cpp loads: ordered metadata, a table of tensors, then the tensors'
// bytes, each aligned.
//
// # Model
//
// [Open] and [Read] take in everything before the tensor data: version,
// metadata, and each tensor's name, type, shape and place. The data itself is
// never read; callers that want it use the offsets. [Check] does the same and
// says in words an operator can act on what is wrong with a file, so that a
// bad download fails before the engine maps it.
//
// [Create] writes a file as a stream: metadata and tensor table first, then
// the data in the order of the table, in pieces of any size. The file appears
// under its name only by [Writer.Commit], complete.
//
// # Limits
//
// Versions 2 and 3, little-endian; version 1 and big-endian files are refused
// by name. What a file claims about itself is believed only as far as its size
// allows, and never beyond [Limits], so a hostile file costs no more memory
// than a few times its own size. Files split into several parts are read one
// part at a time.
package gguf
