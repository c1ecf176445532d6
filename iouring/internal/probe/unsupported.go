package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// UnsupportedError says that this kernel, container or machine does not offer
// something, which one, since when it exists, and what an operator can do.
// errors.Is(err, errors.ErrUnsupported) holds for it.
type UnsupportedError struct {
	Feature string // "io_uring", "multishot receive", ...
	Needs   string // "Linux 6.1", empty when the version is not the obstacle
	Remedy  string // what to do, a clause
	Err     error  // the system call's error, may be nil
}

// Error reads `iouring: use FEATURE: not supported: needs Linux X; REMEDY`.
func (e *UnsupportedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "iouring: use %s: not supported", e.Feature)
	if e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	if e.Needs != "" {
		fmt.Fprintf(&b, ": needs %s", e.Needs)
	}
	if e.Remedy != "" {
		fmt.Fprintf(&b, "; %s", e.Remedy)
	}
	return b.String()
}

// Unwrap gives the system call's error.
func (e *UnsupportedError) Unwrap() error { return e.Err }

// Is makes the error match errors.ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

const disabledPath = "/proc/sys/kernel/io_uring_disabled"

// Explain turns the error of a system call that io_uring or its thread needs, an
// *os.SyscallError, into words and a remedy. It is an *UnsupportedError where
// io_uring is absent, forbidden or switched off; what is short otherwise is named.
func Explain(err error) error {
	call := "io_uring"
	if failed, ok := errors.AsType[*os.SyscallError](err); ok {
		call = failed.Syscall
	}
	u := &UnsupportedError{Feature: "io_uring", Err: err}
	switch {
	case errors.Is(err, syscall.ENOSYS) && call != "io_uring_setup", errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		u.Remedy = permissionRemedy(call, readDisabled())
	case errors.Is(err, syscall.ENOSYS):
		u.Needs = minKernel
		u.Remedy = "use a newer kernel or one built with CONFIG_IO_URING, or run with WEIR_IO=net"
	case errors.Is(err, syscall.EINVAL):
		u.Needs = minKernel
		u.Remedy = "use a newer kernel, or run with WEIR_IO=net"
	default:
		return fmt.Errorf("iouring: set up ring: %w%s", err, limitRemedy(call, err))
	}
	return u
}

// limitRemedy names the limit that is too low, and what to do, as a clause.
func limitRemedy(call string, err error) string {
	lift := func(resource int, name, unit string, divisor uint64, how string) string {
		var limit unix.Rlimit
		if unix.Getrlimit(resource, &limit) != nil || limit.Cur == unix.RLIM_INFINITY {
			return "; free memory, or raise the container's limit, or run with WEIR_IO=net"
		}
		return fmt.Sprintf("; raise %s, which is %d%s (%s), or run with WEIR_IO=net", name, limit.Cur/divisor, unit, how)
	}
	switch {
	case errors.Is(err, syscall.EMFILE):
		return lift(unix.RLIMIT_NOFILE, "the limit of open files", "", 1, "ulimit -n, or LimitNOFILE= in a systemd unit")
	case errors.Is(err, syscall.ENFILE):
		return "; raise the machine's limit of open files (sysctl fs.file-max), or run with WEIR_IO=net"
	case errors.Is(err, syscall.ENOMEM) && call == "mmap":
		return lift(unix.RLIMIT_AS, "the limit of address space", " KiB", 1<<10, "ulimit -v, or LimitAS= in a systemd unit")
	case errors.Is(err, syscall.ENOMEM):
		return lift(unix.RLIMIT_MEMLOCK, "the limit of locked memory", " KiB", 1<<10, "ulimit -l, or LimitMEMLOCK= in a systemd unit")
	}
	return ""
}

// readDisabled returns the value of kernel.io_uring_disabled, "" if there is none.
func readDisabled() string {
	b, err := os.ReadFile(disabledPath)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func permissionRemedy(call, disabled string) string {
	switch disabled {
	case "1":
		return "kernel.io_uring_disabled is 1: set it to 0, or put the user into the group of kernel.io_uring_group, or run with WEIR_IO=net"
	case "2":
		return "kernel.io_uring_disabled is 2: set it to 0 (sysctl -w kernel.io_uring_disabled=0), or run with WEIR_IO=net"
	}
	return "a seccomp filter forbids " + call + ": allow io_uring_setup, io_uring_enter and io_uring_register in the container's profile, or run with WEIR_IO=net"
}
