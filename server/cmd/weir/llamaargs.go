package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// foreign is what parsing knows of llama-server's flags.
type foreign struct {
	flags *flagSet
	names map[string]*llamaFlag
	notes []string // a line of warning for each flag that has no effect
}

func newForeign(flags *flagSet) *foreign {
	f := &foreign{flags: flags, names: map[string]*llamaFlag{}}
	for _, table := range [][]llamaFlag{llamaFlags, llamaDraftFlags} {
		for i := range table {
			for name := range strings.FieldsSeq(table[i].names) {
				f.names[name] = &table[i]
			}
		}
	}
	return f
}

// arguments takes llama-server's flags that are not weir's out of a command line.
func (f *foreign) arguments(args []string) (ours []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, given, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || name == "" {
			return append(append(ours, arg), args...), nil // flags end here
		}
		if strings.HasPrefix(arg, "--") {
			name = strings.ReplaceAll(name, "_", "-") // as llama-server does
		}
		flag := f.names[name]
		if flag != nil && flag.fate == same && flag.takes == maybe && !hasValue {
			var values []string
			if values, args, err = flag.values(arg, args); err != nil {
				return nil, err
			}
			ours = append(ours, "--"+name+"="+values[0])
			continue
		}
		if flag == nil || flag.fate == same {
			ours = append(ours, "--"+name+arg[len("--")+len(name)-dashesLess(arg):])
			if !hasValue && f.takesValue(name) && len(args) > 0 {
				ours, args = append(ours, args[0]), args[1:]
			}
			continue
		}
		values := []string{given}
		if !hasValue {
			if values, args, err = flag.values(arg, args); err != nil {
				return nil, err
			}
		}
		if err := f.decide(flag, arg, values); err != nil {
			return nil, err
		}
	}
	return ours, nil
}

// dashesLess is by how many dashes an argument has fewer than two.
func dashesLess(arg string) int {
	if strings.HasPrefix(arg, "--") {
		return 0
	}
	return 1
}

// takesValue reports whether a flag of weir's is followed by its value.
func (f *foreign) takesValue(name string) bool {
	known := f.flags.Lookup(name)
	if known == nil {
		return false
	}
	truth, ok := known.Value.(interface{ IsBoolFlag() bool })
	return !ok || !truth.IsBoolFlag()
}

// values takes the values that follow a flag.
func (l *llamaFlag) values(arg string, rest []string) (values, left []string, err error) {
	n := 0
	switch l.takes {
	case value:
		n = 1
	case pair:
		n = 2
	case maybe:
		if len(rest) == 0 || !slices.Contains([]string{"on", "off", "auto", "0", "1", "true", "false"}, rest[0]) {
			return []string{"on"}, rest, nil
		}
		n = 1
	}
	if n > len(rest) {
		return nil, nil, fmt.Errorf("flag needs an argument: %s", arg)
	}
	return rest[:n], rest[n:], nil
}

// decide does what becomes of a flag, or of the variable that stands for it.
func (f *foreign) decide(l *llamaFlag, said string, values []string) error {
	fine := strings.Fields(l.fine)
	if len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(fine, v) }) {
		return nil
	}
	switch l.fate {
	case idle:
		f.notes = append(f.notes, said+" has no effect: "+l.why)
	case refused:
		return fmt.Errorf("%s is not supported: %s", said, l.why)
	}
	return nil
}

// environment does what llama-server's variables of the environment say. A flag
// on the command line, which is read after it, goes before.
func (f *foreign) environment() error {
	for _, table := range [][]llamaFlag{llamaFlags, llamaDraftFlags} {
		for i := range table {
			name, no := strings.CutPrefix(table[i].env, "!")
			set, ok := os.LookupEnv(name)
			if name == "" || !ok || set == "" {
				continue
			}
			if err := f.variable(&table[i], name, set, no); err != nil {
				return fmt.Errorf("environment variable %w", err)
			}
		}
	}
	return nil
}

// variable does what one variable says of one flag; no says that it is the flag
// for no.
func (f *foreign) variable(l *llamaFlag, name, set string, no bool) error {
	if l.takes == nothing {
		truth, err := readTruth(set)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if truth == no {
			return nil // the other flag of the two
		}
		set = "true"
	}
	if l.fate != same {
		var values []string
		if l.takes != nothing {
			values = []string{set}
		}
		return f.decide(l, name, values)
	}
	if err := f.flags.Set(strings.Fields(l.names)[0], set); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readTruth reads yes and no as llama-server does.
func readTruth(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "1", "on", "true", "enabled":
		return true, nil
	case "0", "off", "false", "disabled":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither 1, on, true, enabled nor 0, off, false, disabled", v)
}
