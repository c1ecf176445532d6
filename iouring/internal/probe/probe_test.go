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

func TestSetupErrorSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		errno       syscall.Errno
		unsupported bool
		want        string
	}{
		{syscall.ENOSYS, true, "needs Linux 6.1"},
		{syscall.EINVAL, true, "needs Linux 6.1"},
		{syscall.EPERM, true, "WEIR_IO=net"},
		{syscall.ENOMEM, false, "RLIMIT_MEMLOCK"},
		{syscall.EMFILE, false, "ulimit -n"},
		{syscall.EIO, false, "set up ring"},
	} {
		err := SetupError(c.errno)
		if !errors.Is(err, c.errno) {
			t.Errorf("%v: cause lost in %v", c.errno, err)
		}
		if errors.Is(err, errors.ErrUnsupported) != c.unsupported {
			t.Errorf("%v: unsupported = %v, want %v", c.errno, !c.unsupported, c.unsupported)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %q lacks %q", c.errno, err, c.want)
		}
	}
}

func TestPermissionRemedyNamesTheCause(t *testing.T) {
	for disabled, want := range map[string]string{"": "seccomp", "0": "seccomp", "1": "io_uring_group", "2": "sysctl -w"} {
		if got := permissionRemedy(disabled); !strings.Contains(got, want) || !strings.Contains(got, "WEIR_IO=net") {
			t.Errorf("io_uring_disabled=%q: remedy %q", disabled, got)
		}
	}
}
