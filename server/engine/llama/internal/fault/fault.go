package fault

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// MaxRanges is how many ranges of memory are watched at a time: a model has
// one for each file it is split into.
const MaxRanges = 64

// span is a watched range. The assembly knows the layout.
//
//	lo, hi  written by Watch and Close under mu, hi last and first
//	lost    set to 1 by the handler
type span struct {
	lo, hi, lost atomic.Uintptr
}

var (
	mu    sync.Mutex
	spans [MaxRanges]span
	// mapping counts the calls of Begin without their End.
	mapping atomic.Int64
)

// Mapping is the memory that a file is mapped to.
type Mapping struct{ spans []*span }

// Begin announces that a file is being mapped and read by code that cannot be
// asked where to. [End] ends it.
func Begin() {
	install()
	mapping.Add(1)
}

// End ends what Begin began.
func End() { mapping.Add(-1) }

// Watch watches all memory that the files at paths, without symbolic links, are
// mapped to now: none where there is no /proc to look it up. Close ends it,
// before the memory is unmapped.
func Watch(paths ...string) (*Mapping, error) {
	install()
	ranges, err := rangesOf(paths)
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	m := new(Mapping)
	for i := range spans {
		if s := &spans[i]; len(ranges) > 0 && s.hi.Load() == 0 {
			s.lost.Store(0)
			s.lo.Store(ranges[0][0])
			s.hi.Store(ranges[0][1])
			m.spans = append(m.spans, s)
			ranges = ranges[1:]
		}
	}
	return m, nil
}

// Bytes returns how much memory is watched.
func (m *Mapping) Bytes() (n uint64) {
	for _, s := range m.spans {
		n += uint64(s.hi.Load() - s.lo.Load())
	}
	return n
}

// Lost reports whether any of the memory was read beyond its file's end. It is
// safe from any goroutine.
func (m *Mapping) Lost() bool {
	for _, s := range m.spans {
		if s.lost.Load() != 0 {
			return true
		}
	}
	return false
}

// Close ends the watch. Lost is false afterwards.
func (m *Mapping) Close() {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range m.spans {
		s.hi.Store(0)
	}
	m.spans = nil
}

// rangesOf finds files' mappings: adjacent ones are one.
func rangesOf(paths []string) (ranges [][2]uintptr, err error) {
	maps, err := os.Open("/proc/self/maps")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	wanted := map[string]bool{}
	for _, path := range paths {
		wanted[strings.ReplaceAll(path, "\n", `\012`)] = true
	}
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		// start-end permissions offset device inode path
		fields := strings.SplitN(lines.Text(), " ", 6)
		if len(fields) < 6 || !wanted[strings.TrimSuffix(strings.TrimLeft(fields[5], " "), " (deleted)")] {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		lo, err := strconv.ParseUint(from, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("read memory map: %w", err)
		}
		hi, err := strconv.ParseUint(to, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("read memory map: %w", err)
		}
		if last := len(ranges) - 1; last >= 0 && ranges[last][1] == uintptr(lo) {
			ranges[last][1] = uintptr(hi)
			continue
		}
		ranges = append(ranges, [2]uintptr{uintptr(lo), uintptr(hi)})
	}
	if len(ranges) > MaxRanges {
		ranges = ranges[:MaxRanges]
	}
	return ranges, lines.Err()
}
