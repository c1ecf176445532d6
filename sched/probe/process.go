package probe

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const remedyProcess = "`ps -e` lists those that run"

// process is the one that is watched.
type process struct {
	id int
	fd int // a pidfd: it stands for this process even if its number is given to another
}

func openProcess(id int) (*process, error) {
	if id <= 0 {
		return nil, &problem{ErrNoProcess, "a process's number is above 0", remedyProcess}
	}
	fd, err := unix.PidfdOpen(id, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return nil, &problem{ErrNoProcess, "there is no such process", remedyProcess}
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return nil, &problem{ErrNoProcess, "it is a thread, or too large for a process's number", remedyProcess}
	case err != nil:
		return nil, explain("open it", err)
	}
	return &process{id, fd}, nil
}

// path names a file of the process's.
func (p *process) path(name string) string { return fmt.Sprintf("/proc/%d/%s", p.id, name) }

// open opens the program that the process runs, also where that file was replaced.
func (p *process) open() (*os.File, error) {
	file, err := os.Open(p.path("exe"))
	if errors.Is(err, os.ErrNotExist) {
		if p.ended() {
			return nil, &problem{ErrNoProcess, "it has ended", remedyProcess}
		}
		return nil, &problem{ErrNoProcess, "it runs no program: it is the kernel's, or about to end", remedyProcess}
	}
	if err != nil {
		return nil, explain("read its program", err)
	}
	return file, nil
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	poll := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, 0)
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}

func (p *process) close() error { return unix.Close(p.fd) }
