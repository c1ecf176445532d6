package cpus

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/sched/cgroup"
)

// Limits are what bounds a process.
type Limits struct {
	Affinity int     // processors that it may run on, at least 1
	Quota    float64 // processors' time in each second; 0: no bound
}

// Cores is how many processors are worth a thread each: of a quota of two and a half,
// three. At least 1.
func (l Limits) Cores() int {
	n := l.Affinity
	if l.Quota > 0 {
		n = min(n, int(math.Ceil(l.Quota)))
	}
	return max(1, n)
}

// Reader reads the limits of this process. It belongs to one goroutine.
type Reader struct {
	root     fs.FS
	affinity func() (int, error)
}

// NewReader returns a reader.
func NewReader() *Reader { return &Reader{os.DirFS("/"), affinity} }

// affinity counts the processors that the process's first thread may run on: those of
// the others may be what they have chosen themselves.
func affinity() (int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &set); err != nil {
		return 0, err
	}
	return set.Count(), nil
}

// Read returns the limits in force. What cannot be read does not bound. It takes some
// ten system calls.
func (r *Reader) Read() (l Limits) {
	var err error
	if l.Affinity, err = r.affinity(); err != nil || l.Affinity < 1 {
		l.Affinity = runtime.NumCPU()
	}
	self, err := fs.ReadFile(r.root, "proc/self/cgroup")
	if err != nil {
		return l
	}
	mounts, err := fs.ReadFile(r.root, "proc/self/mountinfo")
	if err != nil {
		return l
	}
	// Found anew each time: a process may be moved.
	for _, g := range cgroup.Find(r.root, string(self), string(mounts), "cpu", "cpu.cfs_quota_us", "cpu.max") {
		quota, ok := r.quota(g)
		if ok && (l.Quota == 0 || quota < l.Quota) {
			l.Quota = quota
		}
	}
	return l
}

// quota returns a group's bound; it reports false if it has none.
func (r *Reader) quota(g cgroup.Group) (processors float64, ok bool) {
	read := func(name string) string {
		text, _ := fs.ReadFile(r.root, path.Join(g.Dir, name)) // as if it were empty
		return strings.TrimSpace(string(text))
	}
	var quota, period string
	if g.Version == 2 {
		quota, period, _ = strings.Cut(read("cpu.max"), " ") // "max 100000": no bound
	} else {
		quota, period = read("cpu.cfs_quota_us"), read("cpu.cfs_period_us") // -1: no bound
	}
	q, err := strconv.ParseUint(quota, 10, 63)
	if err != nil {
		return 0, false
	}
	p, err := strconv.ParseUint(period, 10, 63)
	if err != nil || p == 0 || q == 0 {
		return 0, false
	}
	return float64(q) / float64(p), true
}
