package main

import (
	"fmt"
	"io"

	"github.com/weirgo/weir/server/gguf/check"
)

// verifyCommand is `weir models verify FILE`.
func verifyCommand(args []string, stdout io.Writer) error {
	f := newFlagSet("models verify", "Says whether a model file can be served, and if not, why.\n"+
		"The exit code is 1 if it cannot.")
	named, err := f.parseNamed(args, stdout, "FILE")
	if err != nil {
		return err
	}
	path := named[0]
	model, err := check.Open(path)
	if err != nil {
		return fmt.Errorf("models verify: %w", err)
	}
	defer model.Close()
	fmt.Fprintf(stdout, "%s can be served: %s, %d tensors\n", path, model.Architecture(), model.Tensors())
	return nil
}
