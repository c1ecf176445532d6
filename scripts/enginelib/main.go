package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/weirgo/weir/server/engine/llama"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: [LLAMA_LIB=dir] [WEIR_CACHE=dir] go run ./scripts/enginelib")
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "enginelib:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	dir := os.Getenv("LLAMA_LIB")
	if dir != "" {
		// It says whether the directory has a library.
		if dir, err = llama.FindLibrary(); err != nil {
			return err
		}
	} else {
		cache, err := cacheDir()
		if err != nil {
			return err
		}
		if dir, err = install(ctx, cache, pinned); err != nil {
			return err
		}
	}
	lib, err := llama.Open(dir, nil)
	if err != nil {
		return err
	}
	link := filepath.Join(root, "build", "engine")
	if err := linkTo(link, dir); err != nil {
		return err
	}
	fmt.Printf("build/engine: llama.cpp %s in %s\n", lib.Version(), dir)
	return nil
}

// cacheDir is where installed libraries are kept, one directory each.
func cacheDir() (string, error) {
	base := os.Getenv("WEIR_CACHE")
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find cache folder: %w; set WEIR_CACHE to a folder", err)
		}
		base = filepath.Join(user, "weir")
	}
	return filepath.Abs(filepath.Join(base, "engine"))
}

// moduleRoot is the nearest folder upwards with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find source tree: no go.mod here or above; run this inside Weir's source tree")
		}
		dir = filepath.Dir(dir)
	}
}

// linkTo makes link a symbolic link to dir, in one step if it was another.
func linkTo(link, dir string) error {
	if target, err := os.Readlink(link); err == nil && target == dir {
		return nil
	}
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return fmt.Errorf("link %s: something else is there; remove it", link)
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o777); err != nil {
		return fmt.Errorf("link %s: %w", link, err)
	}
	next := fmt.Sprintf("%s.%d", link, os.Getpid())
	if err := os.Symlink(dir, next); err != nil {
		return fmt.Errorf("link %s: %w", link, err)
	}
	if err := os.Rename(next, link); err != nil {
		os.Remove(next)
		return fmt.Errorf("link %s: %w", link, err)
	}
	return nil
}
