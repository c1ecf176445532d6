package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// The arms that differ in how a frame is made make the same frame.
func TestFramesAreEqual(t *testing.T) {
	for n := range 3 {
		byHand, marshalled := AppendFrames(n), MarshalFrames(n)
		for _, text := range words {
			var a, b any
			for dst, frame := range map[*any][]byte{&a: byHand.Text(nil, text), &b: marshalled.Text(nil, text)} {
				data, ok := bytes.CutPrefix(frame, []byte("data: "))
				if err := json.Unmarshal(data, dst); err != nil || !ok || !bytes.HasSuffix(frame, []byte("\n\n")) {
					t.Fatalf("%q: %v", frame, err)
				}
			}
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("by hand %v, marshalled %v", a, b)
			}
			if x, y := len(byHand.Text(nil, text)), len(marshalled.Text(nil, text)); x != y {
				t.Errorf("%d and %d bytes", x, y)
			}
		}
	}
}

func TestPlan(t *testing.T) {
	p := NewPlan(1000, 3, 50*time.Microsecond, time.Millisecond)
	if p.Step != 50*time.Millisecond || p.Counted != 60 || p.Traced != 15 || p.Tokens() != 60+15+warmSteps {
		t.Errorf("%+v", p)
	}
	if p = NewPlan(1, 0.001, 50*time.Microsecond, time.Millisecond); p.Step != time.Millisecond || p.Counted != fewestSteps {
		t.Errorf("%+v", p)
	}
}
