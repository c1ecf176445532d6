// Package whole declares what streaming a token costs the whole server: its
// HTTP, batching, spelling, frames and fan-out over an engine that computes
// nothing, against the bare sends.
//
// measure/ is its command, server/ the server. The floor is that of c07.
package whole
