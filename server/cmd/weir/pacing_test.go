package main

import (
	"io"
	"strings"
	"testing"
)

func TestPacingOfFlags(t *testing.T) {
	for _, test := range []struct {
		args   []string
		tokens int
		share  float64
		wrong  string
	}{
		{nil, 0, 0.25, ""},
		{[]string{"--prefill-tokens", "512", "--prompt-share", "50"}, 512, 0.5, ""},
		{[]string{"--prompt-share", "0"}, 0, -1, ""},
		{[]string{"--prefill-tokens", "-1"}, 0, 0, "--prefill-tokens is -1: give a number from 1 to 1048576"},
		{[]string{"--prompt-share", "91"}, 0, 0, "--prompt-share is 91: give a number from 0 to 90"},
		{[]string{"--prompt-share", "-1"}, 0, 0, "--prompt-share is -1"},
	} {
		o, err := parseOptions(append([]string{"-m", "x"}, test.args...), io.Discard)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q: %v, want %q", test.args, err, test.wrong)
			}
			continue
		}
		if err != nil || o.pacing.prefillTokens != test.tokens || o.pacing.share() != test.share {
			t.Errorf("%q: %+v, %v", test.args, o.pacing, err)
		}
	}
}
