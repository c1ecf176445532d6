package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// hogVariable makes this program a hog.
const hogVariable = "WEIR_QUOTA_HOG"

// hog never rests, until who started it has gone.
func hog() {
	parent := os.Getppid()
	for n := 0; ; n++ {
		if n&(1<<20-1) == 0 && os.Getppid() != parent {
			return
		}
	}
}

// startHogs starts a process that never rests for each processor, in a group of
// their own: they are one neighbour, whatever their number.
func startHogs(g *group) (stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("quota: start hogs: %w", err)
	}
	var all []*exec.Cmd
	stop = func() error {
		var failed error
		for _, c := range all {
			failed = errors.Join(failed, c.Process.Kill())
			_ = c.Wait() // it says that it was killed
		}
		return failed
	}
	for range runtime.NumCPU() {
		c := exec.Command(self)
		c.Env = append(os.Environ(), hogVariable+"=1", "GOMAXPROCS=1")
		if err := c.Start(); err != nil {
			return nil, errors.Join(fmt.Errorf("quota: start hogs: %w", err), stop())
		}
		all = append(all, c)
		if err := g.take(c.Process.Pid); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}
