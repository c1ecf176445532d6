package probe

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMissingFeatureFallsBack(t *testing.T) {
	old := func() (Features, error) { return Features{Available: true, Kernel: "5.15"}, nil }
	choice, err := Choose(BackendAuto, old)
	if err != nil || choice.URing || !errors.Is(choice.reason, errors.ErrUnsupported) {
		t.Errorf("%+v, %v", choice, err)
	}
	if _, err = Choose(BackendURing, old); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("BackendURing: %v", err)
	}
}

// kernel.io_uring_disabled is the machine's; it is changed for the moment of
// one probe.
func TestProbeWhenSwitchedOff(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to set kernel.io_uring_disabled")
	}
	before := readDisabled()
	if before != "0" {
		t.Skipf("not supported here: kernel.io_uring_disabled is %q", before)
	}
	if err := os.WriteFile(disabledPath, []byte("2"), 0); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	_, err := Run()
	if restoreErr := os.WriteFile(disabledPath, []byte(before), 0); restoreErr != nil {
		t.Fatal(restoreErr)
	}
	var u *UnsupportedError
	if !errors.As(err, &u) || !errors.Is(err, unix.EPERM) || !strings.Contains(u.Remedy, "kernel.io_uring_disabled is 2") {
		t.Fatalf("Run: %v", err)
	}
	choice, chooseErr := Choose(BackendAuto, func() (Features, error) { return Features{}, err })
	if chooseErr != nil || choice.URing || choice.reason != error(u) {
		t.Errorf("%+v, %v", choice, chooseErr)
	}
}
