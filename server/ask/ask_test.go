package ask

import (
	"errors"
	"io"
	"testing"
)

func TestFaultSaysWhatAndRemedy(t *testing.T) {
	f := &Fault{Kind: Internal, What: "it broke", Remedy: "mend it", Cause: io.EOF}
	if f.Error() != "it broke: mend it" || !errors.Is(f, io.EOF) {
		t.Errorf("%q, unwraps to %v", f.Error(), errors.Unwrap(f))
	}
	if f.Remedy = ""; f.Error() != "it broke" {
		t.Errorf("%q", f.Error())
	}
}

func TestFinishReasonsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range FinishReason(FinishReasons) {
		if name := r.String(); name == "" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		} else {
			seen[name] = true
		}
	}
}
