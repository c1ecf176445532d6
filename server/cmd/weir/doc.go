// Weir is the inference server.
//
//	weir serve -m model.gguf    serve a model over OpenAI's HTTP API
//	weir doctor                 what this machine has, lacks, and what to do
//	weir version                versions of Weir, its toolchain and its engine
//
// # Model
//
// serve takes the port first, so that a mistake there costs no time, then
// opens the engine library, loads the model, starts the batch loop and answers.
// SIGTERM and SIGINT drain: no new requests, running ones may end within
// --drain-timeout, then they are cut off; a second signal ends the process at
// once. Connections go through package iouring, and streamed tokens through its
// fan-out, all streams' in one submission; through package net with --io=net and
// where the kernel does not offer what is needed. Flags follow llama-server where it has them.
//
// # Limits
//
// One model a process. Exit codes: 0 done, 1 failed, 2 used wrongly.
package main
