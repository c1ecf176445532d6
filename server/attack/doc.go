// Package attack drives the real binary with what hostile, broken and unlucky
// clients send, and checks after each phase that nothing is left of it. It has
// no code of its own, only tests.
//
// # Model
//
// A target is a `weir serve` over a small model, once over io_uring and once
// over package net. A phase sends its attack with raw sockets: shapes of HTTP,
// resets at each moment of a request and of its answer, clients that say or
// read nothing, prompts that are given up, bodies of mutated JSON. What it
// sends follows from a seed, which is printed; -seed takes another.
//
// Then the target must be at rest: /health is ok, nothing runs and nothing
// waits, descriptors and goroutines are as many as before, resident memory is
// within 256 MiB of before. Every 200 carries a valid answer, every 4xx a
// message that says what was wrong, and there is no 5xx: nothing that a client
// sends is the server's fault. At the end SIGTERM ends the process with code 0.
//
// The soak is a server with the demo model, keys of three tiers, and clients of all
// kinds at once: streams, some of which are left, floods of /tokenize, bodies that are
// refused, scrapes of /metrics, and a key file that changes. Each answer must be the
// one that its prompt has alone, or its beginning. When all rest, memory, descriptors
// and goroutines must be back where they were after the first part of the time, a
// minute at most; then SIGTERM comes amid traffic, and whatever was accepted is answered.
//
// # Limits
//
// `go test` runs a short form of a few seconds; WEIR_ATTACK=full, which `make
// test-attack` sets, sends 100 000 bodies and visits every byte's moment. The soak is
// of 20 seconds, or as long as WEIR_SOAK says: `make soak-server SOAK=10m`. Model
// files and chat templates are attacked where they are read: server/gguf and
// server/chat. Without the engine library the tests are skipped.
package attack
