// Enginelib puts the engine library, libllama of llama.cpp, at build/engine.
//
//	go run ./scripts/enginelib
//
// It takes a prebuilt npm package of one pinned version through npm, checks
// its SHA-512 before anything is unpacked, and keeps the shared objects in the
// user's cache folder (WEIR_CACHE overrides it) under the hash: a second run
// needs neither npm nor the network. With LLAMA_LIB=dir it links that
// directory instead. Either way the library is opened once and its ABI
// checked, so that a machine it does not run on is told now.
//
// # Limits
//
// The package is for Linux on amd64 with glibc; elsewhere set LLAMA_LIB. What
// is unpacked is bounded in number and size, and only plain files of the
// expected names are.
package main
