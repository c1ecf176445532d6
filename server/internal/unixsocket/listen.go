package unixsocket

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// PathBytes is how long a path may be: what sockaddr_un has room for, and its NUL
// (unix(7)).
const PathBytes = 107

// Listen listens on a socket at path, and removes it when it is closed. A socket that a
// process has left behind, which answers nobody, is replaced. The error is a
// *net.OpError.
func Listen(ctx context.Context, path string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(ctx, path) {
		_ = os.Remove(path) // else the next line says why not
		l, err = c.Listen(ctx, "unix", path)
	}
	return l, err
}

// abandoned reports whether a socket is one that nobody listens on.
func abandoned(ctx context.Context, path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
