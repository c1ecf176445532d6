package main

import (
	"fmt"
	"io"

	"github.com/weirgo/weir/server/internal/version"
)

func versionCommand(args []string, stdout io.Writer) error {
	f := newFlagSet("version", "Prints the versions of Weir, its Go toolchain, its I/O and its engine library.")
	var dir string
	f.named(&dir, "llama-lib", "DIR", "directory of the engine library; default: LLAMA_LIB or build/engine")
	if err := f.parse(args, stdout); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "weir       %s\n", version.Weir)
	fmt.Fprintf(stdout, "toolchain  %s\n", version.Toolchain())
	chosen, err := chooseTransport(defaultOptions().io)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "io         %s\n", chosen)
	library, err := openLibrary(dir, nil)
	if err != nil {
		fmt.Fprintf(stdout, "engine     none: %v\n", err)
		return nil
	}
	fmt.Fprintf(stdout, "engine     llama.cpp %s in %s\n", library.Version(), library.Dir())
	return nil
}
