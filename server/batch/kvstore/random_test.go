package kvstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// Whatever is done, in whatever order: what is given is what was put, the counts are
// right, and bounds are kept but for what is under way.
func TestRandom(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			r := &randomly{random: random, cfg: Config{RAMBytes: int64(random.IntN(2000)), Dir: t.TempDir(), DiskBytes: int64(500 + random.IntN(5000))}}
			r.tested = open(t, r.cfg)
			for range 400 {
				r.act()
				checkCounts(t, r.tested)
			}
			r.end(len(r.leases))
			r.idle()
			if r.memory > r.cfg.RAMBytes || r.filed > r.cfg.DiskBytes {
				t.Errorf("%d bytes in memory of %d, %d in files of %d", r.memory, r.cfg.RAMBytes, r.filed, r.cfg.DiskBytes)
			}
			n, bytes := r.inFiles, r.filed
			r.close()
			for _, name := range kept(t, r.cfg.Dir) {
				info, err := os.Stat(name)
				if err != nil {
					t.Fatal(err)
				}
				n, bytes = n-1, bytes-info.Size()
			}
			if n != 0 || bytes != 0 {
				t.Errorf("%d files and %d bytes more than there are", n, bytes)
			}
		})
	}
}

// randomly is a store with what somebody does with it.
type randomly struct {
	*tested
	random *rand.Rand
	cfg    Config
	leases []*Lease
}

// act does one random thing.
func (r *randomly) act() {
	key := KeyOf("all", fmt.Sprint(r.random.IntN(2)))
	of := tokens(r.random.IntN(6), 1+r.random.IntN(64))
	switch r.random.IntN(6) {
	case 0, 1:
		if n := 1 + r.random.IntN(600); r.Accepts(len(of), n+8) {
			r.put(key, of, n)
		}
	case 2:
		if found, ok := r.Match(key, of, r.random.IntN(2) == 0); ok {
			if lease := r.Lease(found.ID); lease != nil {
				r.leases = append(r.leases, lease)
			}
		}
	case 3:
		r.end(min(len(r.leases), r.random.IntN(9)))
	case 4:
		r.Collect()
	case 5:
		if r.idle(); r.random.IntN(20) == 0 {
			r.end(len(r.leases))
			r.close()
			r.tested = open(r.t, r.cfg)
		}
	}
}

// end ends some leases.
func (r *randomly) end(n int) {
	for _, lease := range r.leases[:n] {
		checkState(r.t, lease)
		lease.End()
	}
	r.leases = r.leases[n:]
}

// checkState compares what a lease has with what was put.
func checkState(t *testing.T, l *Lease) {
	t.Helper()
	if e := l.entry; e.state != nil && !bytes.Equal(e.state, stateOf(e.tokens, len(e.state))) {
		t.Errorf("another state of %d tokens", e.length)
	}
}

// checkCounts compares what a store counts with what there is in the index.
func checkCounts(t *testing.T, s *tested) {
	t.Helper()
	var held, filed int64
	files := 0
	for id, e := range s.entries {
		if e.memory != nil && !e.leaving {
			held += e.bytes
		}
		if e.file != "" || e.writing {
			filed += e.fileBytes
		}
		if e.file != "" {
			files++
		}
		if e.gone || e.id != id || s.tree.Len(id) != e.length || e.memory == nil && e.file == "" {
			t.Fatalf("%+v", e)
		}
	}
	if held != s.held || files != s.inFiles || filed > s.filed || s.held > s.memory || s.queued < 0 || s.fetches < 0 {
		t.Fatalf("%d bytes held, %d counted; %d in %d files, %d in %d counted", held, s.held, filed, files, s.filed, s.inFiles)
	}
}
