package main

import (
	"fmt"
	"io"
	"strings"
)

// state is how a finding bears on serving.
type state int

const (
	good state = iota
	poor       // serves, but not as well as it could
	bad        // cannot serve
)

func (s state) String() string { return [...]string{"ok", "warn", "FAIL"}[s] }

// finding is one thing about this machine.
type finding struct {
	name   string
	state  state
	text   string // what is there, or what is missing
	remedy string // what to do about it
}

// subject is what the doctor looks at.
type subject struct {
	libraryDir string // "" to look for it
	model      string // "" for none
}

// examinations in the order of the report.
var examinations = []func(subject) []finding{
	examineKernel,
	examineRing,
	examineToolchain,
	examineLibrary,
	examineModel,
	examineProcessor,
	examineMemory,
	examineFiles,
}

func doctorCommand(args []string, stdout io.Writer) error {
	f := newFlagSet("doctor", "Says what this machine has, what it lacks, and what to do about it.\n"+
		"The exit code is 1 if weir serve could not work.")
	var s subject
	f.named(&s.model, "m model", "FILE", "also examine this model")
	f.named(&s.libraryDir, "llama-lib", "DIR", "directory of the engine library; default: LLAMA_LIB or build/engine")
	if err := f.parse(args, stdout); err != nil {
		return err
	}
	worst := good
	for _, examine := range examinations {
		for _, found := range examine(s) {
			worst = max(worst, found.state)
			fmt.Fprintf(stdout, "%-5s %-15s %s\n", found.state, found.name, found.text)
			if found.remedy != "" {
				fmt.Fprintf(stdout, "%s→ %s\n", strings.Repeat(" ", 22), found.remedy)
			}
		}
	}
	switch worst {
	case bad:
		fmt.Fprintln(stdout, "\nweir serve cannot work here: see what is marked FAIL.")
		return errReported
	case poor:
		fmt.Fprintln(stdout, "\nweir serve works here; see what is marked warn.")
	default:
		fmt.Fprintln(stdout, "\nweir serve works here.")
	}
	return nil
}
