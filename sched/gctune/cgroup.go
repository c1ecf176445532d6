package gctune

import (
	"bytes"
	"path"

	"github.com/weirgo/weir/sched/cgroup"
)

// unlimited stands for no limit. It is what the runtime calls one, too.
const unlimited = 1<<63 - 1

// A hierarchy is how one version of control groups names what is asked of it.
type hierarchy struct {
	limits []string // files, the smallest number counts; "max" is none
	usage  string   // file: bytes charged, page cache included
	// Words of memory.stat. What is in the page cache, but neither mapped nor
	// shared memory, is given back before anything is killed.
	cache, shared, mapped string
	// above, if not "", is the word of memory.stat for the smallest limit of all
	// groups above, also of those that a container does not see.
	above string
}

// The two versions (Linux, Documentation/admin-guide/cgroup-v1/memory.rst and
// cgroup-v2.rst). A group over memory.high is throttled, which is an end as
// well: the collector has to come before it.
var (
	version1 = hierarchy{
		limits: []string{"memory.limit_in_bytes"}, usage: "memory.usage_in_bytes",
		cache: "total_cache", shared: "total_shmem", mapped: "total_mapped_file", above: "hierarchical_memory_limit",
	}
	version2 = hierarchy{
		limits: []string{"memory.max", "memory.high"}, usage: "memory.current",
		cache: "file", shared: "shmem", mapped: "file_mapped",
	}
)

// A level is a control group that this process is in, or is below.
type level struct {
	dir string // within the root file system, without a leading slash
	*hierarchy
	last reading
}

// cgroups finds the levels, and finds them again when the process has been moved.
// It belongs to one goroutine.
type cgroups struct {
	self   []byte // /proc/self/cgroup, as it was when the levels were found
	levels []level
}

// refresh looks where the process is. Where nothing can be read there are no
// levels: no /proc, or no control groups.
func (c *cgroups) refresh(f *files) {
	self, err := f.read("proc/self/cgroup")
	if err == nil && bytes.Equal(self, c.self) {
		return
	}
	c.self, c.levels = bytes.Clone(self), nil
	if err != nil {
		return
	}
	text, err := f.read("proc/self/mountinfo")
	if err != nil {
		c.self = nil // again at the next look
		return
	}
	for _, g := range cgroup.Find(f.root, string(c.self), string(text), "memory", version1.limits[0], version2.limits[0]) {
		h := &version1
		if g.Version == 2 {
			h = &version2
		}
		c.levels = append(c.levels, level{dir: g.Dir, hierarchy: h})
	}
}

// read returns the group's limit, unlimited if it has none, and what counts
// against it: what cannot be given back without the processes' help.
func (l level) read(f *files) (limitBytes, takenBytes int64, err error) {
	limitBytes = unlimited
	for i, name := range l.limits {
		n, err := f.number(path.Join(l.dir, name))
		if err != nil && i == 0 {
			return 0, 0, err
		} else if err == nil {
			limitBytes = min(limitBytes, n)
		}
	}
	if limitBytes >= noLimit && l.above == "" {
		return unlimited, 0, nil // its counters cost time
	}
	usage, err := f.number(path.Join(l.dir, l.usage))
	if err != nil {
		return 0, 0, err
	}
	// Without its words nothing counts as given back.
	stat, _ := f.read(path.Join(l.dir, "memory.stat"))
	if l.above != "" {
		if n, ok := word(stat, l.above); ok {
			limitBytes = min(limitBytes, n)
		}
	}
	if limitBytes >= noLimit {
		return unlimited, 0, nil
	}
	cache, _ := word(stat, l.cache)
	shared, _ := word(stat, l.shared)
	mapped, _ := word(stat, l.mapped)
	return limitBytes, max(0, usage-max(0, cache-shared-mapped)), nil
}

// noLimit is more than any memory. Version 1 writes no limit as the largest
// multiple of a page.
const noLimit = 1 << 60
