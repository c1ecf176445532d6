package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestKeysHash(t *testing.T) {
	long := strings.Repeat("k", maxKeyBytes)
	for name, test := range map[string]struct{ stdin, key, text string }{
		"a key":             {"sk-secret", "sk-secret", ""},
		"a line":            {"sk-secret\n", "sk-secret", ""},
		"a line of Windows": {" sk-secret \r\n", "sk-secret", ""},
		"a blank in it":     {"sk secret\n", "sk secret", ""},
		"the longest":       {long, long, ""},
		"too long":          {long + "secret", "", "longer than 16384 bytes"},
		"nothing":           {"\n", "", "no key on stdin"},
		"two lines":         {"sk-secret\nsk-secret\n", "", "control character"},
	} {
		var out bytes.Buffer
		err := runKeys([]string{"hash"}, strings.NewReader(test.stdin), &out)
		want := ""
		if test.text == "" {
			want = fmt.Sprintf("%x\n", sha256.Sum256([]byte(test.key)))
		}
		if out.String() != want || (err != nil) != (test.text != "") || err != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %q, %v; want %q, %q", name, out.String(), err, want, test.text)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: shows a key: %v", name, err)
		}
	}
	for name, args := range map[string][]string{"no command": nil, "a key for one": {"sk-secret"}, "a key behind it": {"hash", "sk-secret"}} {
		var out bytes.Buffer
		err := runKeys(args, strings.NewReader("x"), &out)
		if _, ok := errors.AsType[usageError](err); !ok || out.Len() > 0 || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
	}
	code, stdout, stderr := weir(t, nil, "keys", "-h")
	if code != exitDone || !strings.Contains(stdout, "tokens_per_minute") || stderr != "" {
		t.Errorf("help: %d, %q, %q", code, stdout, stderr)
	}
}
