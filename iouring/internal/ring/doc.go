// Package ring is an io_uring and the thread that owns it, which other
// goroutines hand work to.
//
// # Model
//
// A [Ring] is a goroutine locked to its thread, because a ring's requests belong
// to the thread that submitted them. It takes [Task]s from a queue, prepares
// submissions, enters the kernel once for all of them, and works off the
// completions. An [Op] is one request, used again and again; its [Owner] fills
// it in and takes its results on the ring's thread. The other side is a
// [Kernel]: io_uring, or a simulated one in tests.
//
// The process's ring ([Shared]) lives while it has users. All rings' threads are
// in one latency group named "iouring" (package ggroup).
//
// # Limits
//
// What runs on the ring's thread must not block. The queue is bounded: Post waits
// while it is full, so the thread itself must not post, nor hold a lock while
// posting that the thread takes.
package ring
