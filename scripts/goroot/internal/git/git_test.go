package git

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/goroot/internal/stocktest"
)

func TestJudgeVersion(t *testing.T) {
	for _, c := range []struct {
		out  string
		err  error
		want string // in the error; empty for none
	}{
		{"git version 2.39.5\n", nil, ""},
		{"git version 2.32.0\n", nil, ""},
		{"git version 3.0.1\n", nil, ""},
		{"git version 2.45.2.windows.1\n", nil, ""},
		{"git version 2.31.8\n", nil, "too old: install git 2.32"},
		{"git version 1.8.3.1\n", nil, "too old"},
		{"hub 1\n", nil, "read version"},
		{"", exec.ErrNotFound, "install git"},
		{"", errors.New("exit status 1"), "run git version"},
	} {
		err := judgeVersion(c.out, c.err)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q, %v: %v, want %q", c.out, c.err, err, c.want)
		}
	}
}

// hostileConfig breaks everything that a configuration can.
const hostileConfig = `[core]
	autocrlf = true
	excludesFile = %[1]s/ignore
	attributesFile = %[1]s/attributes
	hooksPath = %[1]s/hooks
[commit]
	gpgSign = true
[gpg]
	program = /bin/false
[user]
	useConfigOnly = true
[init]
	templateDir = %[1]s/template
	defaultObjectFormat = sha256
[diff]
	noprefix = true
	renames = copies
[color]
	ui = always
`

func TestDeafToConfiguration(t *testing.T) {
	stocktest.NeedGit(t)
	home := t.TempDir()
	stocktest.WriteFiles(t, home, map[string]string{
		".gitconfig":       strings.ReplaceAll(hostileConfig, "%[1]s", home),
		"ignore":           "*\n",
		"attributes":       "* text eol=crlf\n",
		"hooks/pre-commit": "#!/bin/sh\nexit 1\n",
		"template/stray":   "",
	})
	if err := os.Chmod(filepath.Join(home, "hooks/pre-commit"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, ".gitconfig"))
	t.Setenv("GIT_DIR", filepath.Join(home, "elsewhere"))
	t.Setenv("GIT_DEFAULT_HASH", "sha256")

	dir := t.TempDir()
	repo, err := Init(t.Context(), dir, "weir")
	if err != nil {
		t.Fatal(err)
	}
	content := "one\r\ntwo\n$Id$\n"
	stocktest.WriteFiles(t, dir, map[string]string{"a.txt": content, ".gitattributes": "* text=auto ident\n"})
	run := func(args ...string) string {
		t.Helper()
		out, err := repo.Run(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	run("add", "--all")
	run("commit", "--quiet", "-m", "x")
	if got := run("cat-file", "blob", "HEAD:a.txt"); got != content {
		t.Errorf("blob is %q, want %q", got, content)
	}
	if got := strings.TrimSpace(run("rev-parse", "HEAD")); len(got) != 40 {
		t.Errorf("commit id %q is no SHA-1", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git", "stray")); err == nil {
		t.Error("the user's template was used")
	}
	if got := run("log", "-1", "--format=%an %cn %cd", "--date=iso-strict"); got != "Weir Weir 2009-11-10T23:00:00+00:00\n" {
		t.Errorf("commit by %q", got)
	}
}

func TestErrors(t *testing.T) {
	stocktest.NeedGit(t)
	dir := t.TempDir()
	if _, err := Open(t.Context(), dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open of no repository: %v", err)
	}
	repo, err := Init(t.Context(), dir, "weir")
	if err != nil {
		t.Fatal(err)
	}
	_, err = repo.Run(t.Context(), "-c", "a.b=c", "rev-parse", "nothing")
	var gitErr *Error
	if !errors.As(err, &gitErr) || !strings.Contains(err.Error(), "git rev-parse in "+dir) {
		t.Errorf("a failing command gives %v", err)
	}
}
