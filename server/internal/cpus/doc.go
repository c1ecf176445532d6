// Package cpus tells how many processors this process may use, now: by its affinity,
// which a control group's set of processors bounds too, and by the CPU quotas of its
// control groups, of version 1 (cpu.cfs_quota_us) or 2 (cpu.max). All of that changes
// while a process runs.
//
//	r := cpus.NewReader()
//	if now := r.Read(); now != before {
//		threads = max(1, now.Cores()-1)
//	}
//
// # Limits
//
// Linux. Weights (cpu.weight, cpu.shares) say nothing of how many processors there are.
package cpus
