package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// The committer of what the tool commits, and the author of its base commits.
const (
	committerName  = "Weir"
	committerEmail = "goroot@weir.invalid"
	committerDate  = "2009-11-10T23:00:00Z"
)

// minimumMinor is the oldest git 2.x that can be told to read no user configuration.
const minimumMinor = 32

// attributes switch off what a .gitattributes file in the tree could do to
// line endings, filters and merges. info/attributes beats every such file.
// go.env has no functions: without a driver of its own, git would take a
// setting that the patch does not touch for the heading of a hunk.
const attributes = "* -text !eol !ident !filter !working-tree-encoding !diff !merge\n" +
	"go.env diff=settings\n"

// settings hold for every command, and are written into new repositories.
var settings = []string{
	"core.autocrlf=false",
	"core.safecrlf=false",
	"core.attributesFile=/dev/null",
	"core.excludesFile=/dev/null",
	"core.hooksPath=/dev/null",
	"core.quotePath=false",
	"core.fileMode=true",
	"core.looseCompression=1",
	"commit.gpgSign=false",
	"gc.auto=0",
	"merge.conflictStyle=diff3",
	"diff.suppressBlankEmpty=false",
	"advice.mergeConflict=false",
}

// Repo is one work tree. It is a name, not a handle: copying it is free, and
// goroutines may share it as far as git's own locks allow.
type Repo struct{ dir string }

// Error is a git command that failed.
type Error struct {
	Args   []string
	Dir    string
	Stderr string // trimmed
	Err    error
}

func (e *Error) Error() string {
	message := e.Stderr
	if message == "" {
		message = e.Err.Error()
	}
	return fmt.Sprintf("git %s in %s: %s", verb(e.Args), e.Dir, message)
}

func (e *Error) Unwrap() error { return e.Err }

// verb returns the command's name and its first operands, for messages.
func verb(args []string) string {
	for i, arg := range args {
		if !strings.HasPrefix(arg, "-") && (i == 0 || args[i-1] != "-c") {
			return arg
		}
	}
	return strings.Join(args, " ")
}

// Init makes an empty repository in dir, which must exist, on branch.
func Init(ctx context.Context, dir, branch string) (Repo, error) {
	if err := probe(ctx); err != nil {
		return Repo{}, err
	}
	r := Repo{dir: dir}
	if _, err := r.Run(ctx, "init", "-q", "--template=", "--object-format=sha1", "--initial-branch="+branch); err != nil {
		return Repo{}, err
	}
	if err := r.configure(); err != nil {
		return Repo{}, err
	}
	return r, r.writeInfo("attributes", attributes)
}

// configure writes the settings into the repository's own configuration, at
// once instead of with a git process for each.
func (r Repo) configure() error {
	f, err := os.OpenFile(filepath.Join(r.dir, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("git: configure: %w", err)
	}
	defer f.Close()
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		section, name, _ := strings.Cut(key, ".")
		if _, err := fmt.Fprintf(f, "[%s]\n\t%s = %s\n", section, name, value); err != nil {
			return fmt.Errorf("git: configure: %w", err)
		}
	}
	return nil
}

// Open names the repository whose work tree is dir. The error is
// os.ErrNotExist if dir holds none.
func Open(ctx context.Context, dir string) (Repo, error) {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		return Repo{}, fmt.Errorf("git: open %s: %w", dir, err)
	}
	if err := probe(ctx); err != nil {
		return Repo{}, err
	}
	return Repo{dir: dir}, nil
}

// Dir is the work tree.
func (r Repo) Dir() string { return r.dir }

// Path joins the work tree with a slash-separated name inside it.
func (r Repo) Path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// Exclude makes the person's git in this work tree ignore the patterns.
func (r Repo) Exclude(patterns ...string) error {
	return r.writeInfo("exclude", strings.Join(patterns, "\n")+"\n")
}

func (r Repo) writeInfo(name, content string) error {
	info := filepath.Join(r.dir, ".git", "info")
	if err := os.MkdirAll(info, 0o755); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	if err := os.WriteFile(filepath.Join(info, name), []byte(content), 0o644); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	return nil
}

// Run runs one git command and returns its standard output. The error is an [*Error].
func (r Repo) Run(ctx context.Context, args ...string) (string, error) {
	return r.RunInput(ctx, "", args...)
}

// RunInput is Run with a standard input.
func (r Repo) RunInput(ctx context.Context, input string, args ...string) (string, error) {
	full := make([]string, 0, 2*len(settings)+len(args))
	for _, setting := range settings {
		full = append(full, "-c", setting)
	}
	cmd := exec.CommandContext(ctx, "git", append(full, args...)...)
	cmd.Dir = r.dir
	cmd.Env = environment()
	cmd.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return stdout.String(), &Error{Args: args, Dir: r.dir, Stderr: strings.TrimSpace(stderr.String()), Err: err}
	}
	return stdout.String(), nil
}

// Lines runs one git command and returns the lines of its output.
func (r Repo) Lines(ctx context.Context, args ...string) ([]string, error) {
	out, err := r.Run(ctx, args...)
	if err != nil {
		return nil, err
	}
	out = strings.TrimSuffix(out, "\n")
	if out == "" {
		return nil, nil
	}
	return strings.Split(out, "\n"), nil
}

// environment is the process's, without what steers git, and with what keeps it still.
func environment() []string {
	env := make([]string, 0, len(os.Environ())+12)
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "GIT_") {
			env = append(env, entry)
		}
	}
	return append(env,
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_EDITOR=:",
		"GIT_AUTHOR_NAME="+committerName,
		"GIT_AUTHOR_EMAIL="+committerEmail,
		"GIT_AUTHOR_DATE="+committerDate,
		"GIT_COMMITTER_NAME="+committerName,
		"GIT_COMMITTER_EMAIL="+committerEmail,
		"GIT_COMMITTER_DATE="+committerDate,
		"LC_ALL=C",
		"LANGUAGE=",
		"TZ=UTC",
	)
}

// probe says once whether there is a git that can do what is asked of it.
var probe = func() func(context.Context) error {
	var once sync.Once
	var err error
	return func(ctx context.Context) error {
		once.Do(func() {
			var out []byte
			out, err = exec.CommandContext(ctx, "git", "version").Output()
			err = judgeVersion(string(out), err)
		})
		return err
	}
}()

// judgeVersion reads the output of git version, or the error it gave.
func judgeVersion(out string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("git: run git: it is not on the PATH: install git (Debian: apt-get install git)")
	}
	if err != nil {
		return fmt.Errorf("git: run git version: %w", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(out, "git version %d.%d", &major, &minor); err != nil {
		return fmt.Errorf("git: read version %q: %w", strings.TrimSpace(out), err)
	}
	if major < 2 || major == 2 && minor < minimumMinor {
		return fmt.Errorf("git: %s is too old: install git 2.%d or newer", strings.TrimSpace(out), minimumMinor)
	}
	return nil
}
