package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	schedprobe "github.com/weirgo/weir/sched/probe"
	"github.com/weirgo/weir/sched/probe/screen"
)

// topOptions is what weir top is told.
type topOptions struct {
	pid      int
	interval time.Duration
	once     bool
	json     bool
}

func topCommand(args []string, stdout io.Writer) error {
	f := newFlagSet("top", "Shows what a process's goroutines wait for: by group, how long until they run, and what the kernel\n"+
		"takes from them. Any program that Weir's toolchain built can be watched, as root, with BPF.", "PID")
	o := topOptions{interval: screen.DefaultInterval}
	f.seconds(&o.interval, "interval", "SECONDS", "what is shown is of so long a time (1)")
	f.truth(&o.once, "once", "show one interval, without taking the terminal")
	f.truth(&o.json, "json", "an object a line, in nanoseconds")
	rest, err := f.parseNamed(args, stdout)
	if err != nil {
		return err
	}
	if o.pid, err = strconv.Atoi(rest[0]); err != nil {
		return usageErrorf("top: %q is not a process's number: `ps -e` lists those that run", rest[0])
	}
	ctx, release := firstSignal(context.Background())
	defer release()
	return top(ctx, o, schedprobe.Config{}, stdout)
}

// top attaches, shows and detaches. A kill at any moment detaches, too.
func top(ctx context.Context, o topOptions, c schedprobe.Config, stdout io.Writer) error {
	p, err := schedprobe.Attach(o.pid, c)
	if err != nil {
		return err
	}
	err = screen.Show(ctx, p, stdout, screen.Config{
		Title:    fmt.Sprintf("process %d (%s)", o.pid, p.GoVersion()),
		Interval: o.interval, Once: o.once, JSON: o.json, Terminal: isTerminal(stdout),
	})
	if errors.Is(err, syscall.EPIPE) { // who reads has enough
		err = nil
	}
	return errors.Join(err, p.Close())
}

// isTerminal reports whether somebody looks at what is written.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}
