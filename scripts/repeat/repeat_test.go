package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be a hog, as the program is.
func TestMain(m *testing.M) {
	if os.Getenv(hogVariable) != "" {
		hog()
	}
	os.Exit(m.Run())
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// module writes a module whose packages' tests have the given bodies, and
// returns options that run them by the toolchain of this test.
func module(t *testing.T, bodies map[string]string) options {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.test/m\n\ngo 1.25\n")
	write(t, filepath.Join(root, "untested", "code.go"), "package untested\n")
	for name, body := range bodies {
		write(t, filepath.Join(root, name, "x_test.go"), "package "+name+"\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nvar _ = os.Args\n\n"+body)
	}
	return options{
		rounds: 2, parallel: 2, timeout: 10 * time.Minute, seed: 7, root: root, out: filepath.Join(root, "out"),
		patterns: []string{"./..."}, toolchains: []toolchain{{name: "here", command: "go", version: "local"}}, loads: []int{0, runtime.NumCPU()},
	}
}

// kept lists what a run left in the folder of its output.
func kept(t *testing.T, o options) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(o.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestRun(t *testing.T) {
	o := module(t, map[string]string{
		"good": `func TestGood(t *testing.T) {
	if content, err := os.ReadFile("x_test.go"); err != nil || len(content) == 0 { // in its own folder
		t.Fatal(err)
	}
	if !testing.Short() {
		t.Error("not in short mode")
	}
}
`,
		"bad": `func TestOuter(t *testing.T) {
	t.Run("inner", func(t *testing.T) { t.Error("no") })
	t.Run("fine", func(t *testing.T) {})
}

func TestFine(t *testing.T) {}
`,
		"gone": `func TestExits(t *testing.T) { os.Exit(3) }
`,
	})
	o.short = true
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); !errors.Is(err, errFailed) {
		t.Fatalf("run: %v\n%s", err, &out)
	}
	text := out.String()
	for _, want := range []string{
		"here: built the tests of 3 packages",
		"here idle round 2 of 2: 3 packages, 2 failed",
		"here  idle: 2 rounds, 3 packages, 4 failures\nhere  hogs: 2 rounds, 3 packages, 4 failures\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not told: %s", want)
		}
	}
	for _, load := range []string{"idle", "hogs"} {
		for round := range 2 {
			for pkg, test := range map[string]string{"bad": "TestOuter/inner", "gone": "TestExits"} {
				line := fmt.Sprintf("FAIL here %s round %d: %s: %s (", load, round+1, pkg, test)
				log := filepath.Join(o.out, fmt.Sprintf("here-%s-%d-%s.log", load, round+1, pkg))
				if !strings.Contains(text, line) || !strings.Contains(text, fmt.Sprintf("seed %d, output in %s", 7+round, log)) {
					t.Errorf("not told: %s … %s", line, log)
				}
				content, err := os.ReadFile(log)
				if err != nil || !bytes.Contains(content, []byte("=== RUN   "+strings.Split(test, "/")[0])) ||
					!bytes.Contains(content, fmt.Appendf(nil, "-short -shuffle=%d ./%s", 7+round, pkg)) {
					t.Errorf("%s: %v\n%s", log, err, content)
				}
			}
		}
	}
	if names := kept(t, o); len(names) != 9 { // eight logs and times.txt
		t.Errorf("kept %v", names)
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestBrokenTestsAreRefused(t *testing.T) {
	o := module(t, map[string]string{"broken": "func TestBroken(t *testing.T) { missing() }\n"})
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("run: %v", err)
	}
}

// TestHogsEnd: they work, and they end when the pipe does.
func TestLoads(t *testing.T) {
	for only, want := range map[string][]int{"": {0, runtime.NumCPU()}, "idle": {0}, "hogs": {runtime.NumCPU()}} {
		if got, err := loads(only); err != nil || !slices.Equal(got, want) {
			t.Errorf("loads(%q) = %v, %v, want %v", only, got, err, want)
		}
	}
	if _, err := loads("busy"); err == nil {
		t.Error("an unknown load is no error")
	}
}

func TestHogsEnd(t *testing.T) {
	stop, err := startHogs(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil { // waits for them
		t.Error(err)
	}
}

func TestFailed(t *testing.T) {
	for name, c := range map[string]struct{ log, want string }{
		"inner": {"=== RUN   TestA\n=== RUN   TestA/b\n    a_test.go:3: no\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL\n", "TestA/b"},
		"two":   {"=== RUN   TestB\n--- FAIL: TestB (0.00s)\n=== RUN   TestA\n--- FAIL: TestA (0.00s)\n", "TestA, TestB"},
		"crash": {"=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\nfatal error: all goroutines are asleep\n", "TestB"},
		"timeout": {"=== RUN   TestA\n=== PAUSE TestA\n=== RUN   TestB\npanic: test timed out after 1s\n\trunning tests:\n\t\tTestB (1s)\n",
			"TestA, TestB"},
		"printed over": {"=== RUN   TestA\nno newline--- FAIL: TestA (0.00s)\n", "TestA"},
		"nothing":      {"panic: in init\n", "no test by name"},
	} {
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, c.log)
		if got := failed(path); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
