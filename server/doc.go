// Package server is the inference server's house; its rooms are the packages
// below. It has no code of its own, only tests that walk a request through all
// of them.
//
// # Model
//
//	bytes → front → wire → ask → generate → reply → bytes
//	                                │
//	                              local: chat, text, batch → engine
//
//	ask       what a client wants and gets; imports nothing
//	wire      bytes to ask and back, a package a dialect
//	front     HTTP: routes, keys, limits, faults to statuses
//	generate  the seam: who turns a request into text; local does it here
//	reply     the one goroutine that brings text out, and its carriers
//	cmd/weir  wiring
//
// What changes with the dialect, the model, or the place of the engine has one
// room each. The front knows no engine; the engine knows no client.
//
// # Limits
//
// An arrow never runs back; scripts/style holds the order.
package server
