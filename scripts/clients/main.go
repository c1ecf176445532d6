package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/weirgo/weir/scripts/internal/checkout"
	"github.com/weirgo/weir/scripts/internal/npm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

// run installs the clients and links build/clients to them.
func run(ctx context.Context) error {
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	cache, err := checkout.Cache("clients")
	if err != nil {
		return err
	}
	dir, err := npm.InstallProject(ctx, cache, filepath.Join(root, "scripts", "clients"))
	if err != nil {
		return err
	}
	link := filepath.Join("build", "clients")
	if _, err := checkout.Link(filepath.Join(root, link), dir); err != nil {
		return err
	}
	fmt.Printf("%s -> %s\n", link, dir)
	return nil
}
