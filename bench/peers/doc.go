// Package peers declares the comparison with other servers over llama.cpp:
// llama-server and Kronk, where one runs and a flag names it.
//
// A peer is not started here: build it with the same release of llama.cpp, let it
// serve the same model, with as many slots as there are streams and as many
// engine threads as ours gets, and name it:
//
//	llama-server -m build/models/tiny.gguf -np 64 -c 32768 -t 1 --no-cache-prompt --port 8081
//	make bench RUN=peers BENCH_FLAGS="-args '-llama-server=http://127.0.0.1:8081 -llama-server-pid=4711'"
//
// Without any the experiment is skipped, and without one of them that arm is left
// out. Its idle process must not take a core: a peer that spins is measured, but
// spoils the others' rounds.
//
// measure/ is its command.
package peers
