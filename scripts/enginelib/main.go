package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/weirgo/weir/scripts/internal/checkout"
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
	root, err := checkout.Root()
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
		cache, err := checkout.Cache("engine") // a directory for each library
		if err != nil {
			return err
		}
		if dir, err = install(ctx, cache); err != nil {
			return err
		}
	}
	lib, err := llama.Open(dir, nil)
	if err != nil {
		return err
	}
	if _, err := checkout.Link(filepath.Join(root, "build", "engine"), dir); err != nil {
		return err
	}
	fmt.Printf("build/engine: llama.cpp %s in %s\n", lib.Version(), dir)
	return nil
}
