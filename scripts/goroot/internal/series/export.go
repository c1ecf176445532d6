package series

import (
	"context"
	"fmt"
	"os"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
)

// formatPatch spells out everything that configuration could change.
var formatPatch = []string{
	"-c", "format.signOff=false", "-c", "format.useAutoBase=false", "-c", "format.notes=false",
	"-c", "format.from=false", "-c", "format.mboxrd=false",
	"-c", "diff.settings.xfuncname=^no line of settings heads others$",
	"format-patch", "--quiet",
	"--zero-commit", "--no-signature", "--subject-prefix=", "--no-numbered", "--no-thread", "--no-cover-letter",
	"--no-attach", "--no-encode-email-headers", "--suffix=.patch", "--filename-max-length=64",
	"--no-stat", "--full-index", "--binary", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv",
	"--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers", "--indent-heuristic",
	"--src-prefix=a/", "--dst-prefix=b/", "-O/dev/null",
}

// Export turns the commits after base up to head into a series.
func Export(ctx context.Context, repo git.Repo, base, head string) (Series, error) {
	out, err := os.MkdirTemp("", "goroot-series-")
	if err != nil {
		return nil, fmt.Errorf("series: export: %w", err)
	}
	defer os.RemoveAll(out)
	args := append(append([]string{}, formatPatch...), "--output-directory="+out, base+".."+head)
	if _, err := repo.Run(ctx, args...); err != nil {
		return nil, fmt.Errorf("series: export: %w", err)
	}
	return Read(out)
}
