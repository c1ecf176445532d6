package probe

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestProbeOnThisKernel(t *testing.T) {
	f, err := Run()
	if err != nil {
		var u *UnsupportedError
		if !errors.As(err, &u) || u.Remedy == "" {
			t.Fatalf("Run: %v is no UnsupportedError with a remedy", err)
		}
		t.Skipf("not supported here: %v", err)
	}
	if !f.Available || f.Kernel == "" {
		t.Fatalf("Run without error: %+v", f)
	}
	for _, x := range f.List() {
		t.Logf("%-24s %-5v %s; without: %s", x.Name, x.Present, x.Needs, x.Without)
		if x.Needs == "" || x.Without == "" {
			t.Errorf("%s: since when, or what its absence costs, is not said", x.Name)
		}
	}
	if err := f.Missing(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("Missing: %v does not match errors.ErrUnsupported", err)
	}
}

// openDescriptors counts this process's descriptors (the one that reads the
// directory is in each count).
func openDescriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

func TestProbeLeavesNoDescriptor(t *testing.T) {
	if _, err := Run(); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	before := openDescriptors(t)
	for range 20 {
		if _, err := Run(); err != nil {
			t.Fatal(err)
		}
	}
	if after := openDescriptors(t); after != before {
		t.Fatalf("%d descriptors before 20 probes, %d after", before, after)
	}
}

func TestExplainSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		call        string
		errno       syscall.Errno
		unsupported bool
		want        string
	}{
		{"io_uring_setup", syscall.ENOSYS, true, "needs Linux 6.1"},
		{"io_uring_setup", syscall.EINVAL, true, "needs Linux 6.1"},
		{"io_uring_setup", syscall.EPERM, true, "seccomp filter forbids io_uring_setup"},
		{"io_uring_enter", syscall.EPERM, true, "seccomp filter forbids io_uring_enter"},
		{"io_uring_enter", syscall.ENOSYS, true, "seccomp filter forbids io_uring_enter"},
		{"io_uring_register", syscall.EACCES, true, "seccomp filter forbids io_uring_register"},
		{"io_uring_setup", syscall.ENOMEM, false, "WEIR_IO=net"}, // which limit it names is the machine's
		{"mmap", syscall.ENOMEM, false, "WEIR_IO=net"},
		{"io_uring_setup", syscall.EMFILE, false, "open files"},
		{"eventfd2", syscall.EMFILE, false, "ulimit -n"},
		{"socketpair", syscall.ENFILE, false, "fs.file-max"},
		{"io_uring_setup", syscall.EIO, false, "set up ring"},
	} {
		err := Explain(os.NewSyscallError(c.call, c.errno))
		if !errors.Is(err, c.errno) {
			t.Errorf("%s: %v: cause lost in %v", c.call, c.errno, err)
		}
		if errors.Is(err, errors.ErrUnsupported) != c.unsupported {
			t.Errorf("%s: %v: unsupported = %v, want %v", c.call, c.errno, !c.unsupported, c.unsupported)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v: %q lacks %q", c.call, c.errno, err, c.want)
		}
	}
}

func TestPermissionRemedyNamesTheCause(t *testing.T) {
	for disabled, want := range map[string]string{"": "seccomp", "0": "seccomp", "1": "io_uring_group", "2": "sysctl -w"} {
		if got := permissionRemedy("io_uring_setup", disabled); !strings.Contains(got, want) || !strings.Contains(got, "WEIR_IO=net") {
			t.Errorf("io_uring_disabled=%q: remedy %q", disabled, got)
		}
	}
}
