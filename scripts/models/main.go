package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/weirgo/weir/server/gguf/seeded"
)

func main() {
	m := maker{out: os.Stdout}
	flag.StringVar(&m.dir, "o", filepath.Join("build", "models"), "`folder` to write to")
	flag.Uint64Var(&m.seed, "seed", seeded.DefaultSeed, "`number` the weights come from")
	flag.Usage = func() {
		usage(flag.CommandLine.Output())
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := m.run(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "models:", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func usage(out io.Writer) {
	fmt.Fprintln(out, "usage: go run ./scripts/models [-o folder] [-seed number] NAME[:TYPE]...")
	fmt.Fprint(out, "NAME is one of")
	for _, size := range seeded.Sizes() {
		fmt.Fprintf(out, " %s", size)
	}
	fmt.Fprintf(out, " or %s", demoName)
	fmt.Fprintln(out, "; TYPE is a quantisation such as q8_0, q4_0 or q4_k_m.")
}
