package ccall

import (
	"errors"
	"testing"
	"time"
)

func TestComputation(t *testing.T) {
	short, err := New(0)
	if errors.Is(err, ErrUnsupported) {
		t.Skipf("not supported here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	long, err := New(5 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Computation{short, long} {
		begin := time.Now()
		late, took := c.Call(), time.Since(begin)
		if late < 0 || late > took {
			t.Errorf("C ended %v ago, of %v in all", late, took)
		}
	}
}
