package gctune

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
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
	mounts := string(text)
	for line := range strings.Lines(string(c.self)) {
		// hierarchy-id:controllers:path, cgroups(7). In a hybrid system there are
		// lines of both kinds; which of them has the memory shows in the files.
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(fields) != 3:
		case fields[0] == "0" && fields[1] == "":
			c.add(f.root, &version2, mounts, fields[2])
		case hasWord(fields[1], "memory"):
			c.add(f.root, &version1, mounts, fields[2])
		}
	}
}

// add adds the group at a path and those above it, as far as they are mounted.
func (c *cgroups) add(root fs.FS, h *hierarchy, mounts, group string) {
	for line := range strings.Lines(mounts) {
		m, ok := parseMount(line)
		if !ok || !m.holds(h) {
			continue
		}
		// A container's mount may show the middle of the hierarchy. A path that is
		// not in what it shows belongs to another name space: then its top is ours.
		relative, within := strings.CutPrefix(group, strings.TrimSuffix(m.root, "/"))
		if !within || relative != "" && relative[0] != '/' || strings.Contains(group, "/..") {
			relative = ""
		}
		top := path.Clean(strings.TrimPrefix(m.point, "/"))
		for dir := path.Join(top, relative); ; dir = path.Dir(dir) {
			if _, err := fs.Stat(root, path.Join(dir, h.limits[0])); err == nil {
				c.levels = append(c.levels, level{dir: dir, hierarchy: h})
			}
			if dir == top || len(dir) <= len(top) {
				return // mounts of the same hierarchy show the same
			}
		}
	}
}

// A mount is a line of /proc/self/mountinfo, proc(5).
type mount struct{ root, point, kind, options string }

func parseMount(line string) (m mount, ok bool) {
	before, after, found := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !found || len(left) < 5 || len(right) < 3 {
		return m, false
	}
	return mount{unescape(left[3]), unescape(left[4]), right[0], right[2]}, true
}

// holds reports whether the mount is one of a hierarchy that may have the memory.
func (m mount) holds(h *hierarchy) bool {
	if h == &version2 {
		return m.kind == "cgroup2"
	}
	return m.kind == "cgroup" && hasWord(m.options, "memory")
}

// unescape replaces \ooo, which the kernel writes for white space and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
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
