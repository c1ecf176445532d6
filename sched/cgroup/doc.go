// Package cgroup finds the control groups that bound a process: its own and those
// above, of both versions, as far as they are mounted where it runs.
//
//	self, err := fs.ReadFile(root, "proc/self/cgroup")
//	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
//	groups := cgroup.Find(root, string(self), string(mounts), "cpu", "cpu.cfs_quota_us", "cpu.max")
//
// # Limits
//
// A container's mount may show the middle of the hierarchy only: what bounds it from
// above is not found.
package cgroup
