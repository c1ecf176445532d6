// Package sys is the least of io_uring that sends: one ring, one thread, sends
// submitted together and waited for together.
//
// # Model
//
// [Ring.Send] prepares, [Ring.Submit] gives the kernel all that is prepared in
// one system call and comes back when all are done.
//
// # Limits
//
// A ring belongs to the thread that made it. Nothing is handled that a
// loopback socket with room does not do: a send that is not whole is an error.
package sys
