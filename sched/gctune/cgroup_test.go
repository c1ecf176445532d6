package gctune

import (
	"fmt"
	"maps"
	"testing"
	"testing/fstest"
)

// Lines of mountinfo(5), as they are on machines.
const (
	mountV2     = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1     = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	mountCPU    = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	mountHybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
	mountDocker = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro master:9 - cgroup memory rw,memory\n"
	mountSpaces = `36 31 0:26 / /sys/fs/my\040cgroups rw - cgroup2 none rw` + "\n"
)

// tree makes a file system of names and contents.
func tree(self, mounts string, files map[string]string) fstest.MapFS {
	root := fstest.MapFS{"proc/self/cgroup": file(self), "proc/self/mountinfo": file(mounts)}
	for name, text := range files {
		root[name] = file(text)
	}
	return root
}

// groupV2 has the files of a control group of version 2, sizes in MiB.
func groupV2(dir, most, high string, current, idle int) map[string]string {
	return map[string]string{
		dir + "/memory.max": most, dir + "/memory.high": high,
		dir + "/memory.current": fmt.Sprintln(current * mib),
		dir + "/memory.stat":    fmt.Sprintf("anon 1\nfile %d\nkernel 5\nshmem %d\nfile_mapped %d\n", (idle+9)*mib, 4*mib, 5*mib),
	}
}

// groupV1 is groupV2 of version 1. above is the smallest limit there is.
func groupV1(dir string, limit, above int64, current, idle int) map[string]string {
	return map[string]string{
		dir + "/memory.limit_in_bytes": fmt.Sprintln(limit),
		dir + "/memory.usage_in_bytes": fmt.Sprintln(current * mib),
		dir + "/memory.stat": fmt.Sprintf("cache 1\nhierarchical_memory_limit %d\ntotal_cache %d\ntotal_shmem %d\ntotal_mapped_file %d\n",
			above, (idle+9)*mib, 4*mib, 5*mib),
	}
}

// none is what version 1 says for no limit.
const none = 9223372036854771712

func join(ms ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range ms {
		maps.Copy(all, m)
	}
	return all
}

func mibs(n int) string { return fmt.Sprintln(n * mib) }

func TestRoom(t *testing.T) {
	memory := map[string]string{"proc/meminfo": "MemTotal:  8192 kB\nMemFree: 1 kB\nMemAvailable:  4096 kB\n"}
	for _, c := range []struct {
		name   string
		root   fstest.MapFS
		source string
		most   int64 // MiB, the reserve's quarter included
		kept   int64 // MiB
	}{
		{"nothing to read", fstest.MapFS{}, "", unlimited / mib, 0},
		{"malformed", tree("nonsense\n0:\n", "nonsense - \n - \n", map[string]string{"proc/meminfo": "MemTotal: many kB\n"}), "", unlimited / mib, 0},
		{"machine alone", tree("0::/\n", mountV2, memory), "machine", 4 + 1, 2}, // Go's own MiB is its own
		{"v2", tree("0::/a\n", mountV2, groupV2("sys/fs/cgroup/a", mibs(1000), "max\n", 300, 100)), "/sys/fs/cgroup/a", 801, 50},
		{"v2, throttled earlier", tree("0::/a\n", mountV2, groupV2("sys/fs/cgroup/a", mibs(1000), mibs(500), 300, 100)), "/sys/fs/cgroup/a", 301, 25},
		{"v2, max", tree("0::/a\n", mountV2, groupV2("sys/fs/cgroup/a", "max\n", "max\n", 300, 100)), "", unlimited / mib, 0},
		{"v2, the parent's limit", tree("0::/a/b/c\n", mountV2, join(
			groupV2("sys/fs/cgroup/a", mibs(500), "max\n", 400, 0), groupV2("sys/fs/cgroup/a/b", "max\n", "max\n", 1, 0),
			groupV2("sys/fs/cgroup/a/b/c", mibs(1000), "max\n", 300, 0))), "/sys/fs/cgroup/a", 101, 25},
		{"v2, own limit below the parent's", tree("0::/a/b\n", mountV2, join(
			groupV2("sys/fs/cgroup/a", mibs(2000), "max\n", 400, 0),
			groupV2("sys/fs/cgroup/a/b", mibs(400), "max\n", 300, 0))), "/sys/fs/cgroup/a/b", 101, 20},
		{"v2, another name space", tree("0::/../other\n", mountV2, groupV2("sys/fs/cgroup", mibs(500), "max\n", 400, 0)), "/sys/fs/cgroup", 101, 25},
		{"v2, own name space", tree("0::/\n", mountV2, groupV2("sys/fs/cgroup", mibs(500), "max\n", 400, 0)), "/sys/fs/cgroup", 101, 25},
		{"v2, a mount with a space", tree("0::/\n", mountSpaces, groupV2("sys/fs/my cgroups", mibs(500), "max\n", 400, 0)), "/sys/fs/my cgroups", 101, 25},
		{"v1", tree("4:memory:/a\n1:cpu:/b\n", mountCPU+mountV1, groupV1("sys/fs/cgroup/memory/a", 1000*mib, 1000*mib, 300, 100)), "/sys/fs/cgroup/memory/a", 801, 50},
		{"v1, no limit", tree("4:memory:/a\n", mountV1, groupV1("sys/fs/cgroup/memory/a", none, none, 300, 100)), "", unlimited / mib, 0},
		{"v1, a limit out of sight", tree("4:memory:/docker/abc\n", mountDocker, groupV1("sys/fs/cgroup/memory", none, 500*mib, 400, 0)), "/sys/fs/cgroup/memory", 101, 25},
		{"v1, within a container", tree("4:memory:/docker/abc/in\n", mountDocker, groupV1("sys/fs/cgroup/memory/in", 500*mib, 500*mib, 400, 0)), "/sys/fs/cgroup/memory/in", 101, 25},
		{"v1, the host's path", tree("4:memory:/docker/abcdef\n", mountDocker, groupV1("sys/fs/cgroup/memory", 500*mib, 500*mib, 400, 0)), "/sys/fs/cgroup/memory", 101, 25},
		{"hybrid", tree("4:memory:/a\n0::/a\n", mountV1+mountHybrid, join(groupV1("sys/fs/cgroup/memory/a", 500*mib, 500*mib, 400, 0),
			map[string]string{"sys/fs/cgroup/unified/a/cgroup.procs": "1\n"})), "/sys/fs/cgroup/memory/a", 101, 25},
		{"both limit", tree("4:memory:/a\n0::/a\n", mountV1+mountHybrid, join(groupV1("sys/fs/cgroup/memory/a", 500*mib, 500*mib, 400, 0),
			groupV2("sys/fs/cgroup/unified/a", mibs(400), "max\n", 350, 0))), "/sys/fs/cgroup/unified/a", 51, 20},
		{"more taken than there is", tree("0::/a\n", mountV2, groupV2("sys/fs/cgroup/a", mibs(100), "max\n", 300, 0)), "/sys/fs/cgroup/a", 0, 0},
	} {
		o := Observation{GoBytes: mib}
		newHost(c.root, 0).read(&o)
		most, budget := o.Room.MostBytes/mib, o.Room.BudgetBytes/mib
		if c.kept > 0 {
			most += c.kept / 4
			budget += c.kept
		}
		if near := func(a, b int64) bool { return a-b <= 1 && b-a <= 1 }; o.Room.Source != c.source || !near(most, c.most) || !near(budget, c.most) {
			t.Errorf("%s: room %+v (%d, %d MiB with the reserve), want %d MiB of %q", c.name, o.Room, most, budget, c.most, c.source)
		}
	}
}

// What cannot be read any more has not been lifted; a process may move.
func TestRoomChanges(t *testing.T) {
	root := tree("0::/a\n", mountV2, join(
		groupV2("sys/fs/cgroup/a", mibs(500), "max\n", 400, 0), groupV2("sys/fs/cgroup/b", mibs(300), "max\n", 200, 0)))
	h := newHost(root, 0)
	read := func() Room {
		o := Observation{GoBytes: mib}
		h.read(&o)
		return o.Room
	}
	first := read()
	root["sys/fs/cgroup/a/memory.max"] = file("")
	if got := read(); got != first {
		t.Errorf("unreadable: %+v, was %+v", got, first)
	}
	root["sys/fs/cgroup/a/memory.max"] = file("max\n")
	if got := read(); got.Source != "" {
		t.Errorf("lifted: %+v", got)
	}
	root["sys/fs/cgroup/a/memory.max"] = file(mibs(450))
	if got := read(); got.BudgetBytes >= first.BudgetBytes || got.Source != "/sys/fs/cgroup/a" {
		t.Errorf("lowered: %+v, was %+v", got, first)
	}
	root["proc/self/cgroup"] = file("0::/b\n")
	if got := read(); got.Source != "/sys/fs/cgroup/b" {
		t.Errorf("moved: %+v", got)
	}
}

func TestConfiguredLimit(t *testing.T) {
	o := Observation{GoBytes: 100 * mib}
	newHost(fstest.MapFS{"proc/self/statm": file("1 65536 1\n")}, 512*mib).read(&o)
	if o.Room.Source != "configured" || o.ResidentBytes < 256*mib || o.Room.BudgetBytes > 512*mib-(o.ResidentBytes-o.GoBytes)-25*mib {
		t.Errorf("%d resident, room %+v", o.ResidentBytes, o.Room)
	}
}

// A machine that others fill takes no heap away that Go has by itself, as long as it
// has the memory at all; a control group does.
func TestFullMachine(t *testing.T) {
	full := file("MemTotal: 1048576 kB\nMemAvailable: 1024 kB\n")
	for _, c := range []struct {
		live, least, most int64 // MiB
		root              fstest.MapFS
	}{
		{100, 230, 231, fstest.MapFS{"proc/meminfo": full}}, // 10 + 1.1 * 200
		{900, 900, 922, fstest.MapFS{"proc/meminfo": full}}, // all but the reserve
		{100, 0, 100, tree("0::/a\n", mountV2, join(
			groupV2("sys/fs/cgroup/a", mibs(500), "max\n", 499, 0), map[string]string{"proc/meminfo": string(full.Data)}))},
	} {
		o := Observation{GoBytes: (c.live + 10) * mib, LiveBytes: c.live * mib, OtherBytes: 10 * mib}
		newHost(c.root, 0).read(&o)
		if got := o.Room.BudgetBytes / mib; got < c.least || got > c.most {
			t.Errorf("%d MiB live: room %+v, want %d to %d MiB", c.live, o.Room, c.least, c.most)
		}
	}
}

// What the kernel shows is trusted to be true, not to be well-formed: other
// kernels, and what imitates them, write other things.
func FuzzRoom(f *testing.F) {
	f.Add("0::/a\n4:memory:/a\n", mountV1+mountV2+mountDocker, "1000\n", "file 1\nshmem 2\ntotal_cache 4\n")
	f.Add("0::/../..\n", mountSpaces, "max\n", "file")
	f.Fuzz(func(t *testing.T, self, mounts, number, stat string) {
		files := map[string]string{}
		for _, dir := range []string{"sys/fs/cgroup", "sys/fs/cgroup/a", "sys/fs/cgroup/memory/a"} {
			for _, h := range []hierarchy{version1, version2} {
				files[dir+"/"+h.limits[0]], files[dir+"/"+h.usage], files[dir+"/memory.stat"] = number, number, stat
			}
		}
		o := Observation{GoBytes: mib}
		newHost(tree(self, mounts, files), 0).read(&o)
		if r := o.Room; r.BudgetBytes < 0 || r.BudgetBytes > r.MostBytes {
			t.Errorf("%+v", r)
		}
	})
}
