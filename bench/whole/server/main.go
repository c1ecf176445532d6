// Command server is the whole server over an engine that computes nothing, as a
// process of package source: bench/whole/measure starts it.
package main

import (
	"fmt"
	"os"

	"github.com/weirgo/weir/bench/internal/source"
)

func main() {
	if err := source.Serve(new(house), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "whole server:", err)
		os.Exit(1)
	}
}
