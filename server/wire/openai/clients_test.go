package openai

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// Every field that the clients of testdata/client-fields.txt may put into a chat is
// answered: taken, ignored, or refused by name with what to do instead. None is
// unknown.
func TestFieldsOfClientsAreKnown(t *testing.T) {
	list, err := os.ReadFile("testdata/client-fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		name := strings.TrimSpace(line)
		if name == "" || name[0] == '#' {
			continue
		}
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
		for _, value := range []string{`"x"`, `1`, `true`, `{"x":1}`, `["x"]`} {
			_, _, err := decodeChat(`{` + hello + `,"` + name + `":` + value + `}`)
			f, ok := errors.AsType[*ask.Fault](err)
			switch {
			case err == nil, name == "messages": // which are there already
			case !ok:
				t.Errorf("%s: %s: %v", name, value, err)
			case f.Kind == ask.UnknownParameter && f.Param == name: // not one within it
				t.Errorf("%s: %s: %v", name, value, f)
			case f.Kind == ask.Unsupported && f.Remedy == "":
				t.Errorf("%s: %s: no remedy: %v", name, value, f)
			}
		}
	}
	t.Logf("%d fields", len(seen))
}

// Of two turns of the assistant at the end, one can be gone on with.
func TestTwoTurnsAtTheEndAreRefused(t *testing.T) {
	const user, two = `{"role":"user","content":"a"},`, `{"role":"assistant","content":"b"},{"role":"assistant","content":"c"}`
	_, _, err := decodeChat(`{"messages":[` + user + two + `]}`)
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.InvalidValue || f.Param != "messages" {
		t.Error(err)
	}
	if _, _, err := decodeChat(`{"messages":[` + two + `,{"role":"user","content":"a"}]}`); err != nil {
		t.Error(err)
	}
}
