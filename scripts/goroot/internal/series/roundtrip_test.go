package series_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
)

// base is the unpatched tree of these tests.
var base = map[string]string{
	"crlf.txt": "one\r\ntwo\r\n", "end.txt": "no newline", "gone.txt": "x\n", "run.sh": "#!/bin/sh\n", "VERSION": "1\n",
}

func newRepo(t *testing.T) git.Repo {
	t.Helper()
	stocktest.NeedGit(t)
	dir := t.TempDir()
	repo, err := git.Init(t.Context(), dir, "weir")
	if err != nil {
		t.Fatal(err)
	}
	stocktest.WriteFiles(t, dir, base)
	if err := series.CommitStock(t.Context(), repo, "stock", []string{"crlf.txt", "end.txt", "gone.txt", "run.sh", "VERSION", "absent"}); err != nil {
		t.Fatal(err)
	}
	run(t, repo, "tag", "base")
	return repo
}

func run(t *testing.T, repo git.Repo, args ...string) string {
	t.Helper()
	out, err := repo.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func export(t *testing.T, repo git.Repo) series.Series {
	t.Helper()
	s, err := series.Export(t.Context(), repo, "base", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRoundTrip carries what a mailbox likes to spoil through text and back.
func TestRoundTrip(t *testing.T) {
	repo := newRepo(t)
	dir := repo.Dir()
	commits := []struct {
		message string
		files   map[string]string
	}{
		{"runtime: line ends\n\nFrom the first line on, with a # sign:\n# this is no comment\n>From here.\n\nTouches: none",
			map[string]string{"crlf.txt": "one\r\nand a half\r\ntwo\r\n", "end.txt": "still no newline"}},
		{"[x] Ünïcode, and a subject so long that a mail has to fold it somewhere, whatever that costs\n\nWürde.",
			map[string]string{"bin": "\x00\x01\x02", "empty": " ", "gone.txt": ""}},
		{"a: trailing white space\n\nx", map[string]string{"ws.txt": "a \t\n\n\n \n", "deep/er/file.go": "package er\n"}},
	}
	for _, c := range commits {
		stocktest.Commit(t, dir, c.message, c.files)
	}
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	stocktest.Commit(t, dir, "run.sh: make it run", nil)

	first := export(t, repo)
	if len(first) != len(commits)+1 {
		t.Fatalf("%d patches", len(first))
	}
	if want := "0001-runtime-line-ends.patch"; first[0].Name != want {
		t.Errorf("name %q, want %q", first[0].Name, want)
	}
	if !bytes.HasPrefix(first[0].Text, []byte("From "+strings.Repeat("0", 40)+" ")) || bytes.Contains(first[0].Text, []byte("[PATCH")) {
		t.Errorf("noise in\n%s", first[0].Text)
	}
	tree := run(t, repo, "rev-parse", "HEAD^{tree}")

	again := newRepo(t)
	if err := series.Apply(t.Context(), again, first); err != nil {
		t.Fatal(err)
	}
	if got := run(t, again, "rev-parse", "HEAD^{tree}"); got != tree {
		t.Errorf("tree %s, want %s\n%s", got, tree, run(t, again, "log", "-p", "base.."))
	}
	second := export(t, again)
	if differences := series.Diff(first, second); len(differences) > 0 {
		t.Errorf("not the same again: %v", differences)
	}
	// The commits are the same for everybody who applies the series.
	third := newRepo(t)
	if err := series.Apply(t.Context(), third, second); err != nil {
		t.Fatal(err)
	}
	if a, b := run(t, again, "rev-parse", "HEAD"), run(t, third, "rev-parse", "HEAD"); a != b {
		t.Errorf("commits %s and %s", a, b)
	}
}

func TestApplyIsExact(t *testing.T) {
	repo := newRepo(t)
	stocktest.Commit(t, repo.Dir(), "a: change", map[string]string{"crlf.txt": "one\r\n2\r\n"})
	s := export(t, repo)
	other := newRepo(t)
	stocktest.Commit(t, other.Dir(), "b: other context", map[string]string{"crlf.txt": "1\r\ntwo\r\n"})
	err := series.Apply(t.Context(), other, s)
	var misfit *series.ApplyError
	if !errors.As(err, &misfit) || misfit.Patch != "0001-a-change.patch" || !strings.Contains(misfit.Reason, "crlf.txt: patch does not apply") {
		t.Errorf("%v", err)
	}
	if out := run(t, other, "status", "--porcelain"); out != "" {
		t.Errorf("left behind: %s", out)
	}
}
