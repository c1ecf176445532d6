package cpus

import (
	"errors"
	"runtime"
	"testing"
	"testing/fstest"
)

const (
	mountV2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	mountV1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
)

func TestRead(t *testing.T) {
	v1 := func(dir, quota, period string) map[string]string {
		return map[string]string{dir + "/cpu.cfs_quota_us": quota + "\n", dir + "/cpu.cfs_period_us": period + "\n"}
	}
	for _, c := range []struct {
		name, self, mounts string
		files              map[string]string
		affinity           int
		want               Limits
		cores              int
	}{
		{"nothing to read", "", "", nil, 16, Limits{16, 0}, 16},
		{"v2, no bound", "0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 16, Limits{16, 0}, 16},
		{"v2", "0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 16, Limits{16, 1.5}, 2},
		{"v2, whole", "0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 16, Limits{16, 3}, 3},
		{"v2, the parent's", "0::/a/b\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "25000 50000\n", "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n"}, 16, Limits{16, 0.5}, 1},
		{"v2, above the affinity", "0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "800000 100000\n"}, 2, Limits{2, 8}, 2},
		{"v2, malformed", "0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "150000\n"}, 4, Limits{4, 0}, 4},
		{"v2, no period", "0::/a\n", mountV2, map[string]string{"sys/fs/cgroup/a/cpu.max": "150000 0\n"}, 4, Limits{4, 0}, 4},
		{"v1", "1:cpu:/a\n", mountV1, v1("sys/fs/cgroup/cpu/a", "50000", "100000"), 2, Limits{2, 0.5}, 1},
		{"v1, no bound", "1:cpu:/a\n", mountV1, v1("sys/fs/cgroup/cpu/a", "-1", "100000"), 2, Limits{2, 0}, 2},
	} {
		root := fstest.MapFS{"proc/self/cgroup": {Data: []byte(c.self)}, "proc/self/mountinfo": {Data: []byte(c.mounts)}}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		r := Reader{root, func() (int, error) { return c.affinity, nil }}
		if got := r.Read(); got != c.want || got.Cores() != c.cores {
			t.Errorf("%s: %+v, %d cores; want %+v, %d", c.name, got, got.Cores(), c.want, c.cores)
		}
	}
}

func TestReadWithoutAnswers(t *testing.T) {
	r := Reader{fstest.MapFS{}, func() (int, error) { return 0, errors.New("no such call") }}
	if got := r.Read(); got != (Limits{Affinity: runtime.NumCPU()}) {
		t.Errorf("%+v", got)
	}
	if got := NewReader().Read(); got.Affinity < 1 || got.Affinity > runtime.NumCPU() || got.Cores() < 1 {
		t.Errorf("this process: %+v of %d", got, runtime.NumCPU())
	}
}
