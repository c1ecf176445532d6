package cgroup

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A Group is a control group.
type Group struct {
	Version int    // 1 or 2
	Dir     string // within the root file system, without a leading slash
}

// Find returns the groups of a controller that a process is in or below, its own first.
// self is its /proc/self/cgroup, mounts its /proc/self/mountinfo. Groups without the
// file that has the limit, of version 1 or 2, are left out: which hierarchy of a hybrid
// system has the controller shows in the files.
func Find(root fs.FS, self, mounts, controller, file1, file2 string) (groups []Group) {
	for line := range strings.Lines(self) {
		// hierarchy-id:controllers:path, cgroups(7). In a hybrid system there are
		// lines of both kinds.
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(fields) != 3:
		case fields[0] == "0" && fields[1] == "":
			groups = add(groups, root, 2, file2, mounts, fields[2], func(m mount) bool { return m.kind == "cgroup2" })
		case hasWord(fields[1], controller):
			groups = add(groups, root, 1, file1, mounts, fields[2], func(m mount) bool {
				return m.kind == "cgroup" && hasWord(m.options, controller)
			})
		}
	}
	return groups
}

// add adds the group at a path and those above it, as far as they are mounted.
func add(groups []Group, root fs.FS, version int, file, mounts, group string, holds func(mount) bool) []Group {
	for line := range strings.Lines(mounts) {
		m, ok := parseMount(line)
		if !ok || !holds(m) {
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
			if _, err := fs.Stat(root, path.Join(dir, file)); err == nil {
				groups = append(groups, Group{version, dir})
			}
			if dir == top || len(dir) <= len(top) {
				return groups // mounts of the same hierarchy show the same
			}
		}
	}
	return groups
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
