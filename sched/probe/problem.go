package probe

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Kinds of what goes wrong in [Attach], for errors.Is.
var (
	ErrNoProcess    = errors.New("no such process")
	ErrNotPermitted = errors.New("not permitted")
	ErrNotSupported = errors.New("not supported by this machine")
	ErrNoPoints     = errors.New("no probe points in the program")
	ErrStripped     = errors.New("no symbols in the program")
)

// ErrClosed is what Read gives after Close.
var ErrClosed = errors.New("probe: it is closed")

// problem is what keeps this package from its work, and what to do about it.
type problem struct {
	kind         error
	what, remedy string
}

func (p *problem) Error() string { return p.what + "; " + p.remedy }
func (p *problem) Unwrap() error { return p.kind }

const (
	remedyRoot   = "run it as root, or with the capabilities CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
	remedyKernel = "it needs Linux 5.18 or newer with CONFIG_BPF_SYSCALL, CONFIG_UPROBES and CONFIG_DEBUG_INFO_BTF"
)

// explain turns what the kernel says into something to act on.
func explain(doing string, err error) error {
	what := fmt.Sprintf("%s: %v", doing, err)
	if _, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		return &problem{ErrNotSupported, what, "it needs Linux 5.18 or newer; on such a one, report this with the output of uname -r"}
	}
	switch {
	case errors.Is(err, os.ErrPermission): // EPERM, EACCES
		return &problem{ErrNotPermitted, what, remedyRoot}
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return &problem{ErrNotSupported, what, remedyKernel}
	case errors.Is(err, unix.ESRCH):
		return &problem{ErrNoProcess, "it has ended", remedyProcess}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
