package logsink

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Reopen returns a descriptor of its own for what f, os.Stderr for instance, is
// open on. Writing to it after the reader has gone fails with EPIPE and raises
// no SIGPIPE, since its number is not 1 or 2. f stays as it is.
//
// A pipe or a terminal is opened anew, not duplicated: only so can it be
// non-blocking for this process and stay blocking for those who share f.
// Anything else, and what cannot be opened again, is duplicated.
func Reopen(f *os.File) (*os.File, error) {
	var fd int
	var err error
	raw, err := f.SyscallConn()
	if err == nil {
		// Not by f.Fd, which may change the mode of what others share.
		if e := raw.Control(func(old uintptr) { fd, err = reopen(int(old)) }); e != nil {
			err = e
		}
	}
	if err != nil {
		return nil, fmt.Errorf("logsink: reopen %s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Unblock makes what this process writes to f's own descriptor fail instead of
// waiting, where f is a pipe or a terminal: what the runtime says in a crash, which
// would not end before it is read, and what a C library says. Others who share what f
// is open on are not concerned. On anything else it does nothing.
func Unblock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err == nil {
		if e := raw.Control(func(fd uintptr) { err = unblock(int(fd)) }); e != nil {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("logsink: unblock %s: %w", f.Name(), err)
	}
	return nil
}

func unblock(fd int) error {
	own, err := reopen(fd)
	if err != nil {
		return err
	}
	defer unix.Close(own)
	// A duplicate takes its own place: nothing has changed.
	return unix.Dup3(own, fd, 0)
}

func reopen(old int) (int, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(old, &stat); err != nil {
		return -1, err
	}
	// A file is not opened anew: it would begin at its start.
	if kind := stat.Mode & unix.S_IFMT; kind == unix.S_IFIFO || kind == unix.S_IFCHR {
		path := fmt.Sprintf("/proc/self/fd/%d", old)
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err == nil && fd > 2 {
			return fd, nil
		}
		if err == nil {
			unix.Close(fd)
		}
	}
	return unix.FcntlInt(uintptr(old), unix.F_DUPFD_CLOEXEC, 3)
}
