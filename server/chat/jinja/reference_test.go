package jinja

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// reference is Python's jinja2 with the settings of transformers.
type reference struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startReference skips the test where there is no jinja2.
func startReference(t *testing.T) *reference {
	t.Helper()
	r := findReference(t)
	if r == nil {
		t.Skip("no Python with jinja2 (Debian's python3-jinja2, or name another in WEIR_PYTHON): nothing to compare with")
	}
	return r
}

// findReference returns nil where there is no jinja2.
func findReference(t *testing.T) *reference {
	t.Helper()
	for _, python := range []string{os.Getenv("WEIR_PYTHON"), "/usr/bin/python3", "python3"} {
		if python == "" || exec.Command(python, "-c", "import jinja2").Run() != nil {
			continue
		}
		cmd := exec.Command(python, "testdata/reference.py")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("reference.py: %v", err)
			}
		})
		return &reference{in, bufio.NewReader(out)}
	}
	return nil
}

// render returns what jinja2 makes of a template, or why it refuses it.
func (r *reference) render(t *testing.T, template, variables string) (text, refused string) {
	t.Helper()
	line, err := json.Marshal(map[string]any{"template": template, "variables": json.RawMessage(variables)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	answer, err := r.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("reference.py: %v, for %s", err, line)
	}
	var result struct {
		Text    *string
		Refused string
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		t.Fatal(err)
	}
	if result.Text == nil {
		return "", result.Refused
	}
	return *result.Text, ""
}

// ours renders with this package.
func ours(template, variables string, limits Limits) (string, error) {
	parsed, err := Parse(template, limits)
	if err != nil {
		return "", err
	}
	given, err := FromJSON([]byte(variables), &limits)
	if err != nil {
		return "", err
	}
	table := map[string]Value{}
	for name, v := range given.(*Dict).All() {
		table[name] = v
	}
	pieces, err := parsed.Render(context.Background(), table)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for i, p := range pieces {
		if p.Text == "" || i > 0 && pieces[i-1].Trusted == p.Trusted {
			return "", fmt.Errorf("piece %d is empty or as trusted as its neighbour", i)
		}
		text.WriteString(p.Text)
	}
	return text.String(), nil
}
