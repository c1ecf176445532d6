package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// flagSet is a flag.FlagSet whose flags may have several names, as
// llama-server's do, and whose help shows them together.
type flagSet struct {
	*flag.FlagSet
	command   string
	arguments []string
	help      bytes.Buffer
}

// newFlagSet is for a command that takes one argument for each of arguments, such
// as FILE, after its flags.
func newFlagSet(command, about string, arguments ...string) *flagSet {
	f := &flagSet{FlagSet: flag.NewFlagSet(command, flag.ContinueOnError), command: command, arguments: arguments}
	f.SetOutput(io.Discard) // errors are returned, help is ours
	f.Usage = func() {}
	fmt.Fprintf(&f.help, "usage: weir %s\n\n%s\n", strings.Join(append([]string{command, "[flags]"}, arguments...), " "), about)
	return f
}

// section begins a group of flags in the help.
func (f *flagSet) section(title string) { fmt.Fprintf(&f.help, "\n%s\n", title) }

// describe adds flags of one meaning to the help. names are separated by
// spaces, arg is what the flag takes.
func (f *flagSet) describe(names, arg, usage string) []string {
	list := strings.Fields(names)
	var shown []string
	for _, name := range list {
		dashes := "--"
		if len(name) <= 3 {
			dashes = "-"
		}
		shown = append(shown, dashes+name)
	}
	left := strings.Join(shown, ", ")
	if arg != "" {
		left += " " + arg
	}
	if len(left) > 34 {
		left += "\n" + strings.Repeat(" ", 36)
	}
	fmt.Fprintf(&f.help, "  %-34s%s\n", left, usage)
	return list
}

func (f *flagSet) text(p *string, names, arg, usage string) {
	for _, name := range f.describe(names, arg, usage) {
		f.StringVar(p, name, *p, "")
	}
}

// named is text that is never empty: "$KEYS" of a variable that is not set does not
// mean that there are to be no keys.
func (f *flagSet) named(p *string, names, arg, usage string) {
	for _, name := range f.describe(names, arg, usage) {
		f.Func(name, "", func(v string) error {
			if v == "" {
				return fmt.Errorf("it is empty: give %s, or leave the flag out", arg)
			}
			*p = v
			return nil
		})
	}
}

func (f *flagSet) whole(p *int, names, arg, usage string) {
	for _, name := range f.describe(names, arg, usage) {
		f.IntVar(p, name, *p, "")
	}
}

func (f *flagSet) number(p *float64, names, arg, usage string) {
	for _, name := range f.describe(names, arg, usage) {
		f.Float64Var(p, name, *p, "")
	}
}

func (f *flagSet) truth(p *bool, names, usage string) {
	for _, name := range f.describe(names, "", usage) {
		f.BoolVar(p, name, *p, "")
	}
}

// list collects values, of which one flag may hold several between commas.
func (f *flagSet) list(p *[]string, names, arg, usage string) {
	for _, name := range f.describe(names, arg, usage) {
		f.Func(name, "", func(v string) error {
			*p = append(*p, splitList(v)...)
			return nil
		})
	}
}

// each calls do with each value of a flag, or where it is there if it takes none.
func (f *flagSet) each(names, arg, usage string, do func(string) error) {
	for _, name := range f.describe(names, arg, usage) {
		if arg == "" {
			f.BoolFunc(name, "", do)
		} else {
			f.Func(name, "", do)
		}
	}
}

// splitList gives the values between commas, empty ones too.
func splitList(v string) []string {
	list := strings.Split(v, ",")
	for i, part := range list {
		list[i] = strings.TrimSpace(part)
	}
	return list
}

// seconds reads a number of seconds, as llama-server does, or a duration.
func (f *flagSet) seconds(p *time.Duration, names, arg, usage string) {
	for _, name := range f.describe(names, arg, usage) {
		f.Func(name, "", func(v string) error {
			d, err := parseSeconds(v)
			if err != nil || d <= 0 {
				return fmt.Errorf("not a positive number of seconds")
			}
			*p = d
			return nil
		})
	}
}

// parseSeconds is what a number of seconds, or a duration, stands for.
func parseSeconds(v string) (time.Duration, error) {
	if d, err := time.ParseDuration(v); err == nil {
		return d, nil
	}
	return time.ParseDuration(v + "s")
}

// parse reads the arguments; it writes the help to out if asked for.
func (f *flagSet) parse(args []string, out io.Writer) error {
	if err := f.parseFlags(args, out); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return usageErrorf("%s: unexpected argument %q: flags begin with a dash; `weir %s -h` lists them",
			f.command, f.Arg(0), f.command)
	}
	return nil
}

// parseNamed is parse for a command that takes arguments; it returns them.
func (f *flagSet) parseNamed(args []string, out io.Writer) ([]string, error) {
	if err := f.parseFlags(args, out); err != nil {
		return nil, err
	}
	if f.NArg() != len(f.arguments) {
		return nil, usageErrorf("%s: %d arguments given, not %s; flags come before them, `weir %s -h` lists them",
			f.command, f.NArg(), strings.Join(f.arguments, " "), f.command)
	}
	return f.Args(), nil
}

func (f *flagSet) parseFlags(args []string, out io.Writer) error {
	switch err := f.Parse(args); {
	case err == flag.ErrHelp:
		_, _ = out.Write(f.help.Bytes())
		return err
	case err != nil:
		return usageErrorf("%s: %w; `weir %s -h` lists the flags", f.command, err, f.command)
	}
	return nil
}
