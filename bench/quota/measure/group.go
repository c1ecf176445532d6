package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// periodMicroseconds is that of a quota, the kernel's default.
const periodMicroseconds = 100_000

// group is a control group made for this measurement.
type group struct {
	dir     string
	version int
}

// newGroup makes a group without a quota, of version 1 if the CPU controller is there.
func newGroup(name string) (*group, error) {
	var failed error
	for version, root := range map[int]string{1: "/sys/fs/cgroup/cpu", 2: "/sys/fs/cgroup"} {
		g := &group{filepath.Join(root, name), version}
		if err := os.Mkdir(g.dir, 0o755); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(g.dir, g.file())); err == nil {
			return g, nil
		}
		failed = errors.Join(failed, fmt.Errorf("%s has no %s", g.dir, g.file()), os.Remove(g.dir))
	}
	return nil, fmt.Errorf("quota: make a control group: %w: run as root, with the CPU controller of cgroup v1 at /sys/fs/cgroup/cpu, "+
		"or of v2 in /sys/fs/cgroup/cgroup.subtree_control (echo +cpu)", failed)
}

// file holds the quota.
func (g *group) file() string {
	if g.version == 1 {
		return "cpu.cfs_quota_us"
	}
	return "cpu.max"
}

// limit sets the quota, in percent of a processor.
func (g *group) limit(percent int) error {
	text := strconv.Itoa(percent * periodMicroseconds / 100)
	if g.version == 2 {
		text += " " + strconv.Itoa(periodMicroseconds)
	}
	return g.write(g.file(), text)
}

// take moves a process into the group, with all its threads.
func (g *group) take(pid int) error { return g.write("cgroup.procs", strconv.Itoa(pid)) }

func (g *group) write(file, text string) error {
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0o644); err != nil {
		return fmt.Errorf("quota: write control group: %w", err)
	}
	return nil
}

// removeTimeout is how long the kernel may have to let go of processes that have ended.
const removeTimeout = 5 * time.Second

// remove ends the group, whose processes have ended.
func (g *group) remove() (err error) {
	for begin := time.Now(); time.Since(begin) < removeTimeout; time.Sleep(10 * time.Millisecond) {
		if err = os.Remove(g.dir); err == nil {
			return nil
		}
	}
	return fmt.Errorf("quota: remove control group: %w", err)
}

// needsGroups says why no group can be made.
func needsGroups() error {
	g, err := newGroup(groupName("probe"))
	if err != nil {
		return err
	}
	return g.remove()
}

func groupName(of string) string { return fmt.Sprintf("weir-quota-%d-%s", os.Getpid(), of) }
