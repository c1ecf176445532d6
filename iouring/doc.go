// Package iouring serves connections, streams and files through Linux io_uring.
package iouring
