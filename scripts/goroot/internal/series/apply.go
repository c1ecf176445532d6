package series

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
)

// am applies one patch from its standard input as a commit, byte for byte:
// line endings, subject and white space as they are.
var am = []string{
	"am", "--quiet", "--keep-cr", "--keep-non-patch", "--no-scissors", "--no-gpg-sign", "--whitespace=nowarn",
	"--committer-date-is-author-date",
}

// ApplyError is a patch that does not apply.
type ApplyError struct {
	Patch  string // file name
	Reason string // git's words
}

func (e *ApplyError) Error() string {
	return fmt.Sprintf("series: apply %s: %s", e.Patch, e.Reason)
}

// Apply commits the patches of s one after the other on the work tree's HEAD.
// They must fit exactly: no merging and no fuzz. The error of a patch that
// does not fit is an [*ApplyError]; those before it stay committed.
func Apply(ctx context.Context, repo git.Repo, s Series) error {
	for _, p := range s {
		args := append(append([]string{}, am...), "--no-3way")
		if _, err := repo.RunInput(ctx, string(p.Text), args...); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			repo.Run(ctx, "am", "--abort")
			return &ApplyError{Patch: p.Name, Reason: reason(err)}
		}
	}
	return nil
}

// ApplyThreeWay commits p, merging where it does not fit exactly; merged says
// that it had to. The work tree's repository must hold the blobs that p was
// made from. On a conflict, an [*ApplyError], git am waits in the work tree.
func ApplyThreeWay(ctx context.Context, repo git.Repo, p Patch) (merged bool, err error) {
	var misfit *ApplyError
	if err := Apply(ctx, repo, Series{p}); !errors.As(err, &misfit) {
		return false, err
	}
	args := append(append([]string{}, am...), "--3way")
	if _, err := repo.RunInput(ctx, string(p.Text), args...); err != nil {
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		return true, &ApplyError{Patch: p.Name, Reason: reason(err)}
	}
	return true, nil
}

// reason boils git am's message down to what it says about files.
func reason(err error) string {
	var gitErr *git.Error
	if !errors.As(err, &gitErr) {
		return err.Error()
	}
	var kept []string
	for line := range strings.SplitSeq(gitErr.Stderr, "\n") {
		if line, ok := strings.CutPrefix(line, "error: "); ok {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		return gitErr.Stderr
	}
	return strings.Join(kept, "; ")
}

// CommitStock commits those of the files that the work tree has, as the stock
// version that the series applies to.
func CommitStock(ctx context.Context, repo git.Repo, version string, files []string) error {
	var have []string
	for _, name := range files {
		if _, err := os.Lstat(repo.Path(name)); err == nil {
			have = append(have, name)
		}
	}
	if len(have) > 0 {
		if _, err := repo.RunInput(ctx, strings.Join(have, "\x00"), "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"); err != nil {
			return err
		}
	}
	_, err := repo.Run(ctx, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", version)
	return err
}
