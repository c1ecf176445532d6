package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
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

// SetupError turns what io_uring_setup returned into words and a remedy.
func SetupError(err error) error {
	u := &UnsupportedError{Feature: "io_uring", Err: err}
	switch {
	case errors.Is(err, syscall.ENOSYS):
		u.Needs = minKernel
		u.Remedy = "use a newer kernel or one built with CONFIG_IO_URING, or run with WEIR_IO=net"
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		u.Remedy = permissionRemedy(readDisabled())
	case errors.Is(err, syscall.EINVAL):
		u.Needs = minKernel
		u.Remedy = "use a newer kernel, or run with WEIR_IO=net"
	case errors.Is(err, syscall.ENOMEM):
		return fmt.Errorf("iouring: set up ring: %w; raise RLIMIT_MEMLOCK or lower the ring's size", err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("iouring: set up ring: %w; raise the limit of open files (ulimit -n)", err)
	default:
		return fmt.Errorf("iouring: set up ring: %w", err)
	}
	return u
}

// readDisabled returns the value of kernel.io_uring_disabled, "" if there is none.
func readDisabled() string {
	b, err := os.ReadFile(disabledPath)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func permissionRemedy(disabled string) string {
	switch disabled {
	case "1":
		return "kernel.io_uring_disabled is 1: set it to 0, or put the user into the group of kernel.io_uring_group, or run with WEIR_IO=net"
	case "2":
		return "kernel.io_uring_disabled is 2: set it to 0 (sysctl -w kernel.io_uring_disabled=0), or run with WEIR_IO=net"
	}
	return "a seccomp filter forbids io_uring_setup: allow io_uring_setup, io_uring_enter and io_uring_register in the container's profile, or run with WEIR_IO=net"
}
