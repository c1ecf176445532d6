package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/weirgo/weir/scripts/goroot/internal/source"
	"github.com/weirgo/weir/scripts/goroot/internal/toolchain"
	"github.com/weirgo/weir/scripts/internal/checkout"
)

var fetchVerb = verb{
	name: "fetch",
	line: "get stock Go through the go command and print its directory",
	long: `The version is the one pinned in goroot-patches/GO_VERSION, or --version. The go command
downloads it as a module, verifies its checksum and keeps it, read-only, in the module cache.`,
	setup: func(flags *flag.FlagSet, s *session) func(context.Context) error {
		text := flags.String("version", "", "exact `version` such as go1.27.3 (default: the pinned one)")
		return func(ctx context.Context) error {
			v, err := s.version(*text)
			if err != nil {
				return err
			}
			dir, err := source.Fetch(ctx, v)
			if err != nil {
				return err
			}
			fmt.Fprintln(s.out, dir)
			return nil
		}
	},
}

// version is the one asked for, or the pinned one.
func (s *session) version(text string) (source.Version, error) {
	if text == "" {
		return source.ReadPin(s.patches)
	}
	return source.ParseVersion(text)
}

var buildVerb = verb{
	name: "build",
	line: "build the patched Go and link it at build/go",
	long: `Applies the series to a copy of stock Go and runs make.bash, about three minutes on two cores.
The result is cached by version and patches in the user's cache folder, or $WEIR_CACHE/goroot;
when nothing changed this only sets the link. Prints the GOROOT.

With --prefix N the toolchain has only the first N patches and build/go stays as it is:
each prefix of the series must build and pass "go test runtime".`,
	setup: func(flags *flag.FlagSet, s *session) func(context.Context) error {
		link := flags.String("link", "", "`path` of the link (default build/go of the checkout; with --prefix none)")
		prefix := flags.Int("prefix", -1, "build with the first `N` patches only")
		verbose := flags.Bool("v", false, "show all that make.bash says")
		return func(ctx context.Context) error { return s.build(ctx, *link, *prefix, *verbose) }
	},
}

func (s *session) build(ctx context.Context, link string, prefix int, verbose bool) error {
	v, all, err := s.pinned()
	if err != nil {
		return err
	}
	if prefix > len(all) {
		return fmt.Errorf("build: --prefix %d: the series has %s", prefix, patchCount(len(all)))
	}
	if prefix >= 0 {
		all = all[:prefix]
	} else if link == "" {
		link = filepath.Join(s.root, "build", "go")
	}
	cache, err := toolchain.OpenCache()
	if err != nil {
		return err
	}
	b := toolchain.Build{Version: v, Series: all, Cache: cache, Out: s.log, Verbose: verbose}
	goroot, _, err := b.Ensure(ctx)
	if err != nil {
		return err
	}
	if link != "" {
		moved, err := checkout.Link(link, goroot)
		if err != nil {
			return err
		}
		if moved {
			s.say("%s -> %s", s.under(link), goroot)
		}
	}
	fmt.Fprintln(s.out, goroot)
	return nil
}

var cleanVerb = verb{
	name: "clean",
	line: "remove every cached toolchain",
	long: `Waits for a running build. build/go, and the go command's module cache, stay as they are;
"build" makes the toolchain again.`,
	setup: func(_ *flag.FlagSet, s *session) func(context.Context) error {
		return func(ctx context.Context) error {
			cache, err := toolchain.OpenCache()
			if err != nil {
				return err
			}
			return cache.Clean(ctx, s.log)
		}
	},
}
