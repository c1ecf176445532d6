package probe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Read gives what has been counted since Attach. One goroutine at a time may call it.
// It works on when the process has ended, of what was counted until then.
func (p *Probe) Read() (*Snapshot, error) {
	if p.process == nil {
		return nil, ErrClosed
	}
	now, err := monotonic()
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Span: time.Duration(now - p.began)}
	for _, read := range []func(*Snapshot, uint64) error{p.readWorld, p.readGroups, p.readThreads, p.readGoroutines} {
		if err := read(s, now); err != nil {
			return nil, fmt.Errorf("probe: read what was counted of process %d: %w", p.process.id, err)
		}
	}
	p.finish(s)
	return s, nil
}

// monotonic is the time as programs in the kernel see it, and as the Go runtime does.
func monotonic() (ns uint64, err error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0, fmt.Errorf("probe: read the clock: %w", err)
	}
	return uint64(t.Nano()), nil
}

func (p *Probe) readWorld(s *Snapshot, _ uint64) error {
	var w worldRecord
	if err := p.maps[mapWorld].Lookup(uint32(0), &w); err != nil {
		return err
	}
	s.Stops = Histogram{w.Stop, time.Duration(w.StopNs)}
	s.Collector, s.Lost = Collector{w.Cycles, time.Duration(w.CycleNs), w.Assists}, w.Lost
	return nil
}

func (p *Probe) readGroups(s *Snapshot, _ uint64) error {
	var processors []groupCounters
	for id := range groups {
		if err := p.maps[mapGroups].Lookup(uint32(id), &processors); err != nil {
			return err
		}
		s.Groups = append(s.Groups, sum(id, processors))
	}
	return nil
}

// sum is a group by what all processors have counted of it.
func sum(id int, processors []groupCounters) Group {
	g := Group{ID: id, Goroutines: map[State]int{}}
	var events [goroutinePoints]uint64
	for i := range processors {
		c := &processors[i]
		for point, n := range c.Events {
			events[point] += n
		}
		g.Running += time.Duration(c.StateNs[Running])
		g.InCall += time.Duration(c.StateNs[InCall])
		g.Wait.Sum += time.Duration(c.StateNs[Runnable])
		g.Stolen.Sum += time.Duration(c.Off[modeGo][kindStolen].Ns)
		for b := range Buckets {
			g.Wait.Counts[b] += c.Wait[b]
			g.Stolen.Counts[b] += c.Stolen[b]
		}
		g.Off = g.Off.plus(c.Off)
	}
	g.Started, g.Readied, g.Runs = events[pointStart], events[pointReady], events[pointRun]
	g.Preempted, g.Parked, g.Exited = events[pointPreempt], events[pointPark], events[pointExit]
	g.Calls = events[pointSyscallEnter]
	return g
}

func (p *Probe) readThreads(s *Snapshot, now uint64) error {
	return each(p.maps[mapThreads], func(id uint32, r *threadRecord) {
		t := Thread{ID: int(id), Goroutine: r.Goid, Group: int(r.Group), On: time.Duration(r.OnNs)}
		if r.OnSince != 0 {
			t.On += time.Duration(since(now, r.OnSince))
		}
		if r.Since != 0 && r.Mode < modes && r.Kind < kinds {
			r.Off[r.Mode][r.Kind].Ns += since(now, r.Since)
		}
		t.Off = Absences{}.plus(r.Off)
		s.Threads = append(s.Threads, t)
	})
}

func (p *Probe) readGoroutines(s *Snapshot, now uint64) error {
	return each(p.maps[mapGoroutines], func(id uint64, r *goroutineRecord) {
		if r.State >= states || r.Group >= groups {
			return // it ends at this moment
		}
		s.Goroutines = append(s.Goroutines, Goroutine{
			ID: id, Group: int(r.Group), State: State(r.State), For: time.Duration(since(now, r.Since)),
			Runs: r.Runs, Runnable: time.Duration(r.StateNs[Runnable]), Running: time.Duration(r.StateNs[Running]),
			InCall: time.Duration(r.StateNs[InCall]), Stolen: time.Duration(r.StolenNs), Asleep: time.Duration(r.AsleepNs),
		})
	})
}

// finish sorts, and says of groups who is in them and what they are called.
func (p *Probe) finish(s *Snapshot) {
	for _, g := range s.Goroutines {
		s.Groups[g.Group].Goroutines[g.State]++
	}
	for id, name := range p.names.read() {
		s.Groups[id].Name = name
	}
	s.Groups = slices.DeleteFunc(s.Groups, func(g Group) bool { return !g.seen() })
	slices.SortFunc(s.Threads, func(a, b Thread) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Goroutines, func(a, b Goroutine) int {
		return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.ID, b.ID))
	})
}

// batch is how many records are read at once: more than a bucket of a kernel's hash
// table ever has.
const batch = 1024

// each calls do with each record of a table that changes meanwhile: none twice.
func each[K comparable, R any](table *ebpf.Map, do func(K, *R)) error {
	var cursor ebpf.MapBatchCursor
	keys, records := make([]K, batch), make([]R, batch)
	found := map[K]R{}
	for {
		n, err := table.BatchLookup(&cursor, keys, records, nil)
		for i := range n {
			found[keys[i]] = records[i]
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			break
		}
		if err != nil {
			return err
		}
	}
	for key, record := range found {
		do(key, &record)
	}
	return nil
}
