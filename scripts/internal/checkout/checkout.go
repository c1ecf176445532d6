package checkout

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CacheVariable overrides where Cache lies.
const CacheVariable = "WEIR_CACHE"

// Root is the nearest folder with a go.mod, from the working directory up.
func Root() (string, error) {
	from, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for dir := from; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the checkout: no go.mod in %s or above: run this in the checkout", from)
		}
	}
}

// Cache is the folder for what lasts longer than a checkout: kind below
// $WEIR_CACHE, or below weir in the user's cache folder. It need not exist.
func Cache(kind string) (string, error) {
	base := os.Getenv(CacheVariable)
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache: %w: set %s to a folder", err, CacheVariable)
		}
		base = filepath.Join(user, "weir")
	}
	if !filepath.IsAbs(base) {
		return "", fmt.Errorf("find the cache: %s is %q: set it to an absolute path", CacheVariable, base)
	}
	return filepath.Join(base, kind), nil
}

// TempPrefix begins the names of Install's folders that are at work, or were
// when their process was killed.
const TempPrefix = ".build-"

// Install makes the folder key of a cache, which appears whole or not at all;
// two at once do no harm. fill gets an empty folder to work in, which is removed
// afterwards, and returns the one in it that is to be the result.
func Install(cache, key string, fill func(work string) (made string, err error)) (dir string, err error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w: set %s to a folder you can write to", err, CacheVariable)
	}
	work, err := os.MkdirTemp(cache, TempPrefix)
	if err != nil {
		return "", fmt.Errorf("write to the cache: %w: set %s to a folder you can write to", err, CacheVariable)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	made, err := fill(work)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, key)
	if err := os.Rename(made, dir); err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return dir, nil // another run was faster
		}
		return "", fmt.Errorf("put %s in place: %w", key, err)
	}
	return dir, nil
}

// Link makes link a symbolic link to target, in one step if it was another:
// nobody finds it missing. moved is false if it was there already.
func Link(link, target string) (moved bool, err error) {
	info, err := os.Lstat(link)
	switch {
	case err == nil && info.Mode()&os.ModeSymlink == 0:
		return false, fmt.Errorf("link %s: something that is no link is there: move it away", link)
	case err == nil:
		if now, err := os.Readlink(link); err == nil && now == target {
			return false, nil
		}
	case !errors.Is(err, os.ErrNotExist):
		return false, fmt.Errorf("link: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return false, fmt.Errorf("link: %w", err)
	}
	next := fmt.Sprintf("%s.%d", link, os.Getpid())
	if err := os.Symlink(target, next); err != nil {
		return false, fmt.Errorf("link: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return false, errors.Join(fmt.Errorf("link: %w", err), os.Remove(next))
	}
	return true, nil
}
