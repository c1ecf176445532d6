package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/engine/llama/trial"
)

// modelsCommand is one thing that weir does with model files. One without about
// is for its own use.
type modelsCommand struct {
	name  string
	about string
	run   func(args []string, stdout io.Writer) error
}

var modelsCommands = []modelsCommand{
	{"verify", "say whether a model file can be served, and if not, why", verifyCommand},
	{"from-tokenizer", "make a small model around a Hugging Face tokenizer", fromTokenizerCommand},
	{trial.Command[1], "", tryCommand},
}

// runModels executes one of the commands above.
func runModels(args []string, stdout io.Writer) error {
	if len(args) > 0 {
		at := slices.IndexFunc(modelsCommands, func(c modelsCommand) bool { return c.name == args[0] })
		if at >= 0 {
			return modelsCommands[at].run(args[1:], stdout)
		}
	}
	var names []string
	for _, c := range modelsCommands {
		if c.about != "" {
			names = append(names, c.name)
		}
	}
	switch {
	case len(args) == 0:
		return usageErrorf("models: no command given: it is one of %s; `weir models -h` describes them", strings.Join(names, ", "))
	case slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]):
		fmt.Fprint(stdout, "usage: weir models COMMAND [flags]\n\n")
		for _, c := range modelsCommands {
			if c.about != "" {
				fmt.Fprintf(stdout, "  %-16s%s\n", c.name, c.about)
			}
		}
		fmt.Fprint(stdout, "\nweir models COMMAND -h lists a command's flags.\n")
		return nil
	}
	return usageErrorf("models: unknown command %q: it is one of %s", args[0], strings.Join(names, ", "))
}
