// Package unixsocket listens on sockets in the file system.
//
// A process that is killed leaves its socket behind, and nobody can bind that path
// again until the file is removed. Listen does that, if the file is a socket on which
// nobody answers:
//
//	listener, err := unixsocket.Listen(ctx, "/run/weir/api.sock")
package unixsocket
