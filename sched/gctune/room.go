package gctune

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
)

// A share of each limit is kept free, since memory that is not Go's grows between
// two looks: a twentieth, of the machine's memory, which others use as well, a
// tenth. The bounds are for very small limits and for very large ones.
const (
	groupReserve   = 20
	machineReserve = 10
	leastReserve   = 16 << 20
	mostReserve    = 2 << 30
)

// reserve returns the bytes of a limit that are kept free.
func reserve(limitBytes, part int64) int64 {
	return min(max(limitBytes/part, leastReserve), mostReserve, limitBytes/4)
}

// A Room is how much memory Go may have: its own, and what is free. It does not
// change as Go takes memory or gives it back, but with all else in the process and
// beside it.
type Room struct {
	// BudgetBytes is what Go should stay below; math.MaxInt64 if nothing is known
	// of a limit. Never below 0.
	BudgetBytes int64
	// MostBytes is what it must stay below: when the live heap is larger than the
	// budget, most of the reserve is given up before the collector runs all the
	// time.
	MostBytes int64
	// Source names the limit that is nearest: a control group's directory,
	// "machine", "configured", or "" for none.
	Source string
}

// A reading is what was last read of a limit. It stays in force while reading
// fails: a limit that cannot be seen any more has not been lifted.
type reading struct {
	limitBytes  int64 // 0: never read
	besideBytes int64 // count against it beside what Go has
}

// take keeps what was read.
func (r *reading) take(limitBytes, takenBytes, goBytes int64) {
	*r = reading{limitBytes, max(0, takenBytes-goBytes)}
}

// limit makes the room smaller if a limit leaves less.
func (r *Room) limit(by reading, part int64, source string) {
	if by.limitBytes == 0 || by.limitBytes == unlimited {
		return
	}
	kept := reserve(by.limitBytes, part)
	left := by.limitBytes - by.besideBytes
	if budget := max(0, left-kept); r.Source == "" || budget < r.BudgetBytes {
		r.BudgetBytes, r.Source = budget, source
	}
	r.MostBytes = min(r.MostBytes, max(0, left-kept/4))
}

// host is what the tuner reads about the process and what is around it. It belongs
// to one goroutine.
type host struct {
	files      files
	groups     cgroups
	limitBytes int64 // configured, 0 for none
	memory     reading
}

func newHost(root fs.FS, limitBytes int64) *host {
	return &host{files: files{root: root}, limitBytes: limitBytes}
}

// atLeast is the reading if that much, and the reserve, were Go's to have. The
// machine's memory is nobody's limit: when others fill it, Go gets no more heap, but
// does not collect more often than it does by itself, which would help nobody.
func (r reading) atLeast(bytes int64) reading {
	r.besideBytes = max(0, min(r.besideBytes, r.limitBytes-reserve(r.limitBytes, machineReserve)-bytes))
	return r
}

// usualBytes is about what Go has by itself, with a GOGC of 100.
func (o *Observation) usualBytes() int64 {
	return o.OtherBytes + int64(fragmentation*float64(2*o.LiveBytes+o.RootBytes))
}

// read fills in what the process has of the machine's memory, and the room for Go.
// What o has of the runtime is known.
func (h *host) read(o *Observation) {
	o.ResidentBytes = h.resident()
	r := Room{BudgetBytes: unlimited, MostBytes: unlimited}
	var configured reading
	configured.take(h.limitBytes, o.ResidentBytes, o.GoBytes)
	r.limit(configured, groupReserve, "configured")
	h.groups.refresh(&h.files)
	for i := range h.groups.levels {
		l := &h.groups.levels[i]
		if limit, taken, err := l.read(&h.files); err == nil {
			l.last.take(limit, taken, o.GoBytes)
		}
		r.limit(l.last, groupReserve, "/"+l.dir)
	}
	if total, available, ok := h.machine(); ok {
		h.memory.take(total, total-available, o.GoBytes)
	}
	r.limit(h.memory.atLeast(o.usualBytes()), machineReserve, "machine")
	o.Room = r
}

// resident reads the second field of /proc/self/statm, pages; 0 if it cannot.
func (h *host) resident() int64 {
	text, err := h.files.read("proc/self/statm")
	if err != nil {
		return 0
	}
	_, text, _ = bytes.Cut(text, []byte(" "))
	text, _, _ = bytes.Cut(text, []byte(" "))
	pages, err := strconv.ParseUint(string(text), 10, 50)
	if err != nil {
		return 0
	}
	return int64(pages) * int64(os.Getpagesize())
}

// machine reads /proc/meminfo, which is in KiB.
func (h *host) machine() (totalBytes, availableBytes int64, ok bool) {
	text, err := h.files.read("proc/meminfo")
	if err != nil {
		return 0, 0, false
	}
	total, known := word(text, "MemTotal")
	available, ok := word(text, "MemAvailable")
	return total << 10, available << 10, known && ok && 0 < available && available <= total && total < unlimited>>10
}
