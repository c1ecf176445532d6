package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/internal/checkout"
)

// needBytes is the free space that a build takes at its fullest, with air.
const needBytes = 2 << 30

// Build is a toolchain to make.
type Build struct {
	Version source.Version
	Series  series.Series
	Cache   Cache
	Out     io.Writer // progress, for people
	Verbose bool      // all that make.bash says goes to Out

	// Source and Bootstrap find the module and the stock GOROOT of a version;
	// nil means [source.Fetch] and [source.Bootstrap].
	Source, Bootstrap func(context.Context, source.Version) (string, error)
}

func (b *Build) say(line string) { fmt.Fprintln(b.Out, "goroot: "+line) }

// Ensure returns the GOROOT of the toolchain, building it if the cache has it
// not; built says so. A failure leaves the cache as it was, but for a log.
func (b *Build) Ensure(ctx context.Context) (goroot string, built bool, err error) {
	key := Key(b.Version, b.Series)
	if dir, ok := b.Cache.Find(key); ok {
		return dir, false, nil
	}
	unlock, err := b.Cache.lock(ctx, b.say)
	if err != nil {
		return "", false, err
	}
	defer unlock()
	if dir, ok := b.Cache.Find(key); ok { // by whom we waited for
		return dir, false, nil
	}
	if err := b.Cache.sweep(); err != nil {
		return "", false, err
	}
	if err := checkSpace(b.Cache.dir); err != nil {
		return "", false, err
	}
	if err := b.build(ctx, key); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w: free disk space in %s, or set %s", err, b.Cache.dir, checkout.CacheVariable)
		}
		return "", false, err
	}
	if err := b.Cache.evict(Kept, b.say); err != nil {
		return "", false, fmt.Errorf("toolchain: remove old ones: %w", err)
	}
	return filepath.Join(b.Cache.dir, key), true, nil
}

// build makes the tree in a temporary folder and moves it into place.
func (b *Build) build(ctx context.Context, key string) error {
	start := time.Now()
	b.say(fmt.Sprintf("building %s, patches: %d (a few minutes, once)", b.Version, len(b.Series)))
	log := filepath.Join(b.Cache.dir, key+".log")
	_, err := checkout.Install(b.Cache.dir, key, func(work string) (string, error) {
		tree := filepath.Join(work, "go")
		bootstrap, err := b.prepare(ctx, tree, key)
		if err != nil {
			return "", err
		}
		if err := b.make(ctx, tree, bootstrap, log); err != nil {
			return "", err
		}
		if err := trim(tree); err != nil {
			return "", fmt.Errorf("toolchain: trim: %w", err)
		}
		return tree, nil
	})
	if err != nil {
		return err
	}
	os.Remove(log)
	b.say(fmt.Sprintf("built %s in %.0f s", key, time.Since(start).Seconds()))
	return nil
}

// prepare makes the patched source in tree and finds the stock toolchain that builds it.
func (b *Build) prepare(ctx context.Context, tree, key string) (bootstrap string, err error) {
	fetch, boot := b.Source, b.Bootstrap
	if fetch == nil {
		fetch = source.Fetch
	}
	if boot == nil {
		boot = source.Bootstrap
	}
	if bootstrap, err = boot(ctx, b.Version); err != nil {
		return "", err
	}
	stock, err := fetch(ctx, b.Version)
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(tree, 0o755); err != nil {
		return "", fmt.Errorf("toolchain: build: %w", err)
	}
	if err := source.Copy(ctx, stock, tree); err != nil {
		return "", err
	}
	if err := b.patch(ctx, tree); err != nil {
		return "", err
	}
	return bootstrap, stamp(tree, key, b.Series)
}

// patch applies the series. Git needs to know only the files that it touches;
// a file that a patch creates must not be there already.
func (b *Build) patch(ctx context.Context, tree string) error {
	if len(b.Series) == 0 {
		return nil
	}
	repo, err := git.Init(ctx, tree, "weir")
	if err != nil {
		return err
	}
	if err := series.CommitStock(ctx, repo, b.Version.String(), b.Series.Files()); err != nil {
		return err
	}
	var misfit *series.ApplyError
	if err := series.Apply(ctx, repo, b.Series); errors.As(err, &misfit) {
		return fmt.Errorf("%w: it does not fit %s exactly: run `goroot check`, and `goroot rebase` if the series was made for another version", err, b.Version)
	} else if err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(tree, ".git"))
}

// stamp makes VERSION name this very tree; the package's documentation says why.
func stamp(tree, key string, s series.Series) error {
	if len(s) == 0 {
		return nil // stock Go under its own name
	}
	name := filepath.Join(tree, "VERSION")
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("toolchain: stamp: %w", err)
	}
	if err := os.WriteFile(name, []byte(stamped(string(content), key)), 0o644); err != nil {
		return fmt.Errorf("toolchain: stamp: %w", err)
	}
	return nil
}

func stamped(version, key string) string {
	first, rest, _ := strings.Cut(version, "\n")
	if !strings.Contains(first, "-") {
		first += "-weir.0"
	}
	return first + "." + key[:8] + "\n" + rest
}

// trim removes what only the build needed.
func trim(tree string) error {
	return errors.Join(
		os.RemoveAll(filepath.Join(tree, "pkg", "obj")),
		os.RemoveAll(filepath.Join(tree, "pkg", "bootstrap")),
	)
}

func checkSpace(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return nil // a file system that cannot say; the build will
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < needBytes {
		return fmt.Errorf("toolchain: build: %s has %d MiB free, the build takes up to %d: free some, or set %s",
			dir, free>>20, uint64(needBytes)>>20, checkout.CacheVariable)
	}
	return nil
}
