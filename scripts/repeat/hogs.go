package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// hogVariable makes this program, started again, a hog.
const hogVariable = "WEIR_REPEAT_HOG"

// hog keeps one core busy until standard input ends, which it does when the
// parent closes it or dies. The second processor is the reader's, so that it
// need not wait for the loop's time slice.
func hog() {
	runtime.GOMAXPROCS(2)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for x := uint64(1); ; x = x*6364136223846793005 + 1 {
		if x == 0 {
			runtime.Gosched()
		}
	}
}

// startHogs starts n of them; stop ends them all and waits.
func startHogs(n int) (stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start hogs: %w", err)
	}
	var hogs []*exec.Cmd
	var pipes []io.Closer
	stop = func() error {
		var failures []error
		for i, cmd := range hogs {
			failures = append(failures, pipes[i].Close())
			if err := cmd.Wait(); err != nil {
				failures = append(failures, fmt.Errorf("hog: %w", err))
			}
		}
		return errors.Join(failures...)
	}
	for range n {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), hogVariable+"=1")
		pipe, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start hogs: %w", err), stop())
		}
		hogs, pipes = append(hogs, cmd), append(pipes, pipe)
	}
	return stop, nil
}
