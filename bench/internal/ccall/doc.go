// Package ccall is a C call that computes for a certain time, without a C
// compiler: a few instructions that follow C's convention, called as the
// engine's library is, through purego and so runtime.cgocall.
//
//	c, err := ccall.New(5 * time.Millisecond)
//	late := c.Call() // from C's last act to here
//
// # Limits
//
// It is there for amd64 only, and one goroutine at a time may call.
package ccall

import "errors"

// ErrUnsupported is returned where there is no such call.
var ErrUnsupported = errors.New("ccall: a C call that computes is there for amd64 only")
