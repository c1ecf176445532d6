package toolchain

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/internal/checkout"
)

const (
	// Kept is how many toolchains the cache holds.
	Kept = 4
	// recipe counts changes of how a tree is built; a new number builds all again.
	recipe = 1
	// lockPollMs is how often a waiting process looks at the lock.
	lockPollMs = 200
	// keyDigits is the length of a key: 80 bits.
	keyDigits = 20
)

var (
	keyForm = regexp.MustCompile(fmt.Sprintf(`^[0-9a-f]{%d}$`, keyDigits))
)

// Key names the toolchain that version v and series s make on this platform.
func Key(v source.Version, s series.Series) string {
	h := sha256.New()
	fmt.Fprintf(h, "recipe %d\n%s %s/%s\n%s\n", recipe, v, runtime.GOOS, runtime.GOARCH, s.Digest())
	return hex.EncodeToString(h.Sum(nil))[:keyDigits]
}

// Cache is the folder of built toolchains. Processes may share it.
type Cache struct{ dir string }

// OpenCache finds the cache: $WEIR_CACHE/goroot, or weir/goroot in the user's cache folder.
func OpenCache() (Cache, error) {
	dir, err := checkout.Cache("goroot")
	if err != nil {
		return Cache{}, fmt.Errorf("toolchain: %w", err)
	}
	return Cache{dir: dir}, nil
}

// Dir is the folder.
func (c Cache) Dir() string { return c.dir }

// Find returns the GOROOT of key, if it is there, and marks it as used.
func (c Cache) Find(key string) (dir string, ok bool) {
	dir = filepath.Join(c.dir, key)
	if _, err := os.Stat(filepath.Join(dir, "bin", "go")); err != nil {
		return "", false
	}
	now := time.Now()
	os.Chtimes(dir, now, now) // fails on a read-only cache, which has nothing to evict
	return dir, true
}

// lock waits for the cache's lock, telling say that it has to. The lock ends
// with the process, or with unlock.
func (c Cache) lock(ctx context.Context, say func(string)) (unlock func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("toolchain: make the cache: %w: set %s to a folder you can write to", err, checkout.CacheVariable)
	}
	f, err := os.OpenFile(filepath.Join(c.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("toolchain: lock the cache: %w: set %s to a folder you can write to", err, checkout.CacheVariable)
	}
	for said := false; ; said = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("toolchain: lock %s: %w", f.Name(), err)
		}
		if !said {
			say("another build holds " + f.Name() + "; waiting for it")
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(lockPollMs * time.Millisecond):
		}
	}
}

// sweep removes what killed builds left. The caller holds the lock.
func (c Cache) sweep() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), checkout.TempPrefix) {
			if err := os.RemoveAll(filepath.Join(c.dir, entry.Name())); err != nil {
				return fmt.Errorf("toolchain: remove what a killed build left: %w", err)
			}
		}
	}
	return nil
}

// entry is one toolchain in the cache.
type entry struct {
	key  string
	used time.Time
}

// entries lists the toolchains, the most recently used first.
func (c Cache) entries() ([]entry, error) {
	names, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, name := range names {
		if info, err := name.Info(); err == nil && name.IsDir() && keyForm.MatchString(name.Name()) {
			out = append(out, entry{key: name.Name(), used: info.ModTime()})
		}
	}
	slices.SortFunc(out, func(a, b entry) int {
		return cmp.Or(b.used.Compare(a.used), strings.Compare(a.key, b.key))
	})
	return out, nil
}

// evict removes all but the keep most recently used. The caller holds the lock.
func (c Cache) evict(keep int, say func(string)) error {
	list, err := c.entries()
	if err != nil {
		return err
	}
	for _, old := range list[min(keep, len(list)):] {
		say("removing the cached toolchain " + old.key + ", last used " + old.used.Format(time.DateTime))
		if err := c.remove(old.key); err != nil {
			return err
		}
	}
	return nil
}

// remove takes a toolchain out of its place before it deletes it, so that
// nobody finds half of it.
func (c Cache) remove(key string) error {
	doomed, err := os.MkdirTemp(c.dir, checkout.TempPrefix)
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(c.dir, key), filepath.Join(doomed, key)); err != nil {
		return errors.Join(err, os.Remove(doomed))
	}
	return os.RemoveAll(doomed)
}

// Clean removes every toolchain and log, waiting for a running build first.
func (c Cache) Clean(ctx context.Context, out io.Writer) error {
	if _, err := os.Stat(c.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	say := func(line string) { fmt.Fprintln(out, "goroot: "+line) }
	unlock, err := c.lock(ctx, say)
	if err != nil {
		return err
	}
	defer unlock()
	if err := errors.Join(c.sweep(), c.evict(0, say)); err != nil {
		return fmt.Errorf("toolchain: clean: %w", err)
	}
	logs, err := filepath.Glob(filepath.Join(c.dir, "*.log"))
	if err != nil {
		return fmt.Errorf("toolchain: clean: %w", err)
	}
	for _, log := range logs {
		if err := os.Remove(log); err != nil {
			return fmt.Errorf("toolchain: clean: %w", err)
		}
	}
	return nil
}
