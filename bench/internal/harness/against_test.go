package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// TestAgainst: each side is built from its own sources, and the old one's
// command is found where it stood then, beside the declaration.
func TestAgainst(t *testing.T) {
	r := newTestRunner(t, 2)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.test"}, args...)...)
		cmd.Dir = r.root
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, output)
		}
	}
	now := filepath.Join(r.root, "bench", "c99", "measure")
	source, err := os.ReadFile(filepath.Join(now, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	slower := strings.Replace(string(source), "10*len", "40*len", 1)
	then := filepath.Join(filepath.Dir(now), "main.go")
	if err := os.WriteFile(then, []byte(slower), 0o600); err != nil {
		t.Fatal(err)
	}
	git("init", "-q")
	git("add", "go.mod", "bench/c99/main.go")
	git("commit", "-q", "-m", "old")
	if err := os.Remove(then); err != nil {
		t.Fatal(err)
	}
	e := threeArms(filepath.Join(r.root, "log"))
	e.Packages = []experiment.Package{{Path: "./nowhere"}} // of another arm
	for range 2 {                                          // the second finds the first's checkout
		c, err := r.Against(t.Context(), e, "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		if m := c.Metrics["time_ns"]; m.Ratio == nil || m.Ratio.Median != 0.25 || m.Arms["old"].N != 2 {
			t.Errorf("compared: %+v", m)
		}
		var text strings.Builder
		c.WriteText(&text)
		if want := "| time_ns | 200 [200, 200] | 50 [50, 50] | 0.25 [0.25, 0.25] |"; !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
		results, err := filepath.Glob(filepath.Join(r.opts.Out, "c99-against-*.json"))
		if err != nil || !slices.Equal(results, []string{ResultFile(r.opts.Out, "c99-against-"+c.Old)}) {
			t.Errorf("wrote %v, %v", results, err)
		}
	}
	for _, revision := range []string{"nowhere", "--help"} {
		if _, err := r.Against(t.Context(), e, revision); err == nil {
			t.Errorf("%s was checked out", revision)
		}
	}
}
