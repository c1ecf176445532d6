package cgroup

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Lines of mountinfo(5), as they are on machines.
const (
	mountV2     = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountBoth   = "35 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
	mountHybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
	mountMiddle = "35 31 0:32 /docker/abc /sys/fs/cgroup ro master:9 - cgroup cgroup rw,cpu\n"
	mountSpaces = `36 31 0:26 / /sys/fs/my\040cgroups rw - cgroup2 none rw` + "\n"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, self, mounts string
		files              []string
		want               []Group
	}{
		{"nothing", "", "", nil, nil},
		{"malformed", "nonsense\n0:\n", "nonsense - \n - \n", nil, nil},
		{"own and above", "0::/a/b\n", mountV2, []string{"sys/fs/cgroup/a/cpu.max", "sys/fs/cgroup/a/b/cpu.max"},
			[]Group{{2, "sys/fs/cgroup/a/b"}, {2, "sys/fs/cgroup/a"}}},
		{"without the controller", "0::/a/b\n", mountV2, []string{"sys/fs/cgroup/a/memory.max"}, nil},
		{"two controllers", "3:cpu,cpuacct:/a\n2:cpuset:/b\n", mountBoth, []string{"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "sys/fs/cgroup/cpu,cpuacct/b/cpu.cfs_quota_us"},
			[]Group{{1, "sys/fs/cgroup/cpu,cpuacct/a"}}},
		{"hybrid", "3:cpu:/a\n0::/a\n", mountBoth + mountHybrid, []string{"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "sys/fs/cgroup/unified/a/cgroup.procs"},
			[]Group{{1, "sys/fs/cgroup/cpu,cpuacct/a"}}},
		{"a container", "3:cpu:/docker/abc/in\n", mountMiddle, []string{"sys/fs/cgroup/in/cpu.cfs_quota_us", "sys/fs/cgroup/cpu.cfs_quota_us"},
			[]Group{{1, "sys/fs/cgroup/in"}, {1, "sys/fs/cgroup"}}},
		{"the host's path", "3:cpu:/docker/abcdef\n", mountMiddle, []string{"sys/fs/cgroup/cpu.cfs_quota_us"}, []Group{{1, "sys/fs/cgroup"}}},
		{"another name space", "0::/../other\n", mountV2, []string{"sys/fs/cgroup/cpu.max"}, []Group{{2, "sys/fs/cgroup"}}},
		{"a space", "0::/\n", mountSpaces, []string{"sys/fs/my cgroups/cpu.max"}, []Group{{2, "sys/fs/my cgroups"}}},
	} {
		root := fstest.MapFS{}
		for _, name := range c.files {
			root[name] = &fstest.MapFile{}
		}
		if got := Find(root, c.self, c.mounts, "cpu", "cpu.cfs_quota_us", "cpu.max"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{"/a": "/a", `/a\040b\134`: `/a b\`, `\04`: `\04`, `\999`: `\999`} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if strings.Contains(unescape(mountSpaces), `\`) {
		t.Error("escapes are left")
	}
}
