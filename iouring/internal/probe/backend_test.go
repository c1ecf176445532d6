package probe

import (
	"errors"
	"testing"
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
