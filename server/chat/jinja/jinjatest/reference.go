package jinjatest

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

//go:embed reference.py
var script string

// Now is the time of day that strftime_now has there.
func Now() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 789_000, time.UTC) }

// Reference is a running Python.
type Reference struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// Start skips the test where there is no jinja2.
func Start(t testing.TB) *Reference {
	t.Helper()
	r := Find(t)
	if r == nil {
		t.Skip("no Python with jinja2 (install Debian's python3-jinja2, or name another Python in WEIR_PYTHON): nothing to compare with")
	}
	return r
}

// Find returns nil where there is no jinja2. The process ends with the test.
func Find(t testing.TB) *Reference {
	t.Helper()
	for _, python := range []string{os.Getenv("WEIR_PYTHON"), "/usr/bin/python3", "python3"} {
		if python == "" || exec.Command(python, "-c", "import jinja2").Run() != nil {
			continue
		}
		cmd := exec.Command(python, "-W", "ignore", "-c", script)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("reference.py: %v", err)
			}
		})
		return &Reference{in, bufio.NewReader(out)}
	}
	return nil
}

// Render returns what jinja2 makes of a template and a JSON object of
// variables, or why it refuses them.
func (r *Reference) Render(t testing.TB, template, variables string) (text, refused string) {
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
