package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: weir COMMAND [flags]

  serve     serve a model over OpenAI's HTTP API
  top       show what the goroutines of a running process wait for: top PID
  doctor    say what this machine has, lacks, and what to do about it
  models    check model files, and make small ones: models verify FILE, models -h
  trace     tell from a Go execution trace what goroutines waited for to run
  keys      make what the key file of serve --keys is written of: keys hash, keys -h
  version   versions of Weir, its Go toolchain, its I/O and its engine library

weir COMMAND -h lists a command's flags.
`

func main() {
	// Whoever reads the output may go: what is written then fails, and that is all. A
	// terminal may ask (stty tostop) that who writes from the background be stopped.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTTOU)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	var err error
	switch command, args := args[0], args[1:]; command {
	case "serve":
		err = serveCommand(args, stdout, stderr)
	case "doctor":
		err = doctorCommand(args, stdout)
	case "top":
		err = topCommand(args, stdout)
	case "models":
		err = runModels(args, stdout)
	case "trace":
		err = traceCommand(args, os.Stdin, stdout)
	case "keys":
		err = runKeys(args, os.Stdin, stdout)
	case "version", "-version", "--version":
		err = versionCommand(args, stdout)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
	default:
		err = usageErrorf("unknown command %q: it is one of serve, top, doctor, models, trace, keys, version", command)
	}
	return report(err, stderr)
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func usageErrorf(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported is a failure that has been said already.
var errReported = errors.New("reported")

// report says what went wrong and returns the exit code.
func report(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, errReported):
		return exitFailed
	}
	fmt.Fprintf(stderr, "weir: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}
