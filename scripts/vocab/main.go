package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: [WEIR_CACHE=dir] go run ./scripts/vocab [NAME]...\nNAME is one of %s.\n", strings.Join(vocabularies(), ", "))
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "vocab:", err)
		os.Exit(1)
	}
}

// run installs the reference and the named vocabularies, or all and more
// templates.
func run(ctx context.Context, names []string) error {
	for _, name := range names {
		if !slices.Contains(vocabularies(), name) {
			return fmt.Errorf("no vocabulary %q: choose of %s", name, strings.Join(vocabularies(), ", "))
		}
	}
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	cache, err := checkout.Cache("vocab")
	if err != nil {
		return err
	}
	for _, h := range hashes {
		selected := wanted
		switch {
		case h.name == referenceName:
			selected = script
		case len(names) > 0 && !slices.Contains(names, h.name):
			continue
		}
		dir, err := packageOf(h.name, h.integrity).Install(ctx, cache, selected)
		if err != nil {
			return err
		}
		folder := filepath.Join("build", "vocab", h.name)
		if err := link(filepath.Join(root, folder), dir); err != nil {
			return err
		}
		fmt.Printf("%s -> %s\n", folder, dir)
	}
	if len(names) > 0 {
		return nil
	}
	return linkTemplates(ctx, filepath.Join(root, "build", "vocab", "templates"))
}

// link makes a folder of links to the files of another: who walks a tree of
// files does not follow links to folders.
func link(folder, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := checkout.Link(filepath.Join(folder, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
