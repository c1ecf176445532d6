package attack_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
)

const (
	demoModel = "../../scripts/models/testdata/weir-demo.gguf"

	soakShort        = 20 * time.Second
	soakFirst        = time.Minute // of the time, at most, until the first rest
	soakDrainSeconds = 120
	soakIdle         = 30 * time.Second // of a connection: less than the server's own limit
	soakGrowth       = 64 << 20         // resident memory from the first rest to the last
	soakLooks        = 30               // at a server that rests
)

// soakTiers are the keys' names, which are their tiers; a key is its name and "-key".
var soakTiers = []string{"priority", "standard", "background"}

// guest is a key that comes and goes.
const guest = "guest"

// soak is a server and its clients.
type soak struct {
	*target
	t        *testing.T
	http     *http.Client
	keyFile  string
	answers  []soakAnswer
	ending   atomic.Bool // SIGTERM is on its way: who is not let in is not lost
	done     map[string]*atomic.Int64
	failures atomic.Int64
}

// TestSoak is the whole server under everything at once, for WEIR_SOAK.
func TestSoak(t *testing.T) {
	length := soakShort
	if text := os.Getenv("WEIR_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		length /= 4
	}
	if _, err := os.Stat(demoModel); errors.Is(err, fs.ErrNotExist) {
		t.Skip("not supported: the demo model is not here; `make train` makes it")
	}
	s := startSoak(t)
	first := min(soakFirst, length/4)
	s.traffic(first)
	after := s.still()
	s.traffic(length - first)
	s.await(t, "rest as after the first part", func(f figures) bool {
		return f.healthy && f.running == 0 && f.waiting == 0 && f.paused == 0 && f.cache == 0 &&
			f.descriptors <= after.descriptors && f.goroutines <= after.goroutines+goroutinesSlack && f.resident <= after.resident+soakGrowth
	})
	last := s.still()
	t.Logf("after %v: %+v\nafter %v: %+v", first, after, length, last)
	s.terminate()
	for _, kind := range soakKinds {
		n := s.done[kind.name].Load()
		t.Logf("%8d %s", n, kind.name)
		if n == 0 {
			t.Errorf("nothing of the kind was done: %s", kind.name)
		}
	}
}

// startSoak starts a server with keys, and learns what its answers are alone.
func startSoak(t *testing.T) *soak {
	s := &soak{
		target: &target{key: soakTiers[0] + "-key"}, t: t, keyFile: filepath.Join(t.TempDir(), "keys.json"),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: soakIdle}}, done: make(map[string]*atomic.Int64),
	}
	for _, kind := range soakKinds {
		s.done[kind.name] = new(atomic.Int64)
	}
	s.writeKeys(false)
	backend := iouring.BackendURing
	if features, err := iouring.Probe(); err != nil || features.Missing() != nil {
		backend = iouring.BackendNet
	}
	s.serve(t, backend, demoModel, "--keys", s.keyFile, "--drain-timeout", fmt.Sprint(soakDrainSeconds))
	s.learn()
	return s
}

// writeKeys puts another key file in the place of the one that is there.
func (s *soak) writeKeys(withGuest bool) {
	var entries []string
	add := func(name, tier string) {
		entries = append(entries, fmt.Sprintf(`{"name":%q,"sha256":"%x","tier":%q}`, name, sha256.Sum256([]byte(name+"-key")), tier))
	}
	for _, tier := range soakTiers {
		add(tier, tier)
	}
	if withGuest {
		add(guest, "standard")
	}
	err := os.WriteFile(s.keyFile+".new", []byte(`{"keys":[`+strings.Join(entries, ",")+`]}`), 0o600)
	if err == nil {
		err = os.Rename(s.keyFile+".new", s.keyFile)
	}
	if err != nil {
		s.failed("write keys: %v", err)
	}
}

// failed notes a failure; the first few are told.
func (s *soak) failed(format string, args ...any) {
	if s.failures.Add(1) <= 10 {
		s.t.Errorf(format, args...)
	}
}

// traffic has clients of all kinds at work for a time, and returns when the last has
// what it asked for.
func (s *soak) traffic(length time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), length)
	defer cancel()
	s.start(ctx).Wait()
	s.http.CloseIdleConnections()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// start starts the clients, which end after ctx, or where the server lets nobody in any
// more.
func (s *soak) start(ctx context.Context) *sync.WaitGroup {
	all := new(sync.WaitGroup)
	for _, kind := range soakKinds {
		for i := range kind.clients {
			all.Go(func() {
				for n := i; n == i || ctx.Err() == nil; n++ { // once at least
					err := kind.do(s, n)
					switch {
					case err == nil:
						s.done[kind.name].Add(1)
					case errors.Is(err, errNotLetIn) && s.ending.Load():
						return
					default:
						s.failed("%s: %v", kind.name, err)
						return
					}
				}
			})
		}
	}
	return all
}

// still waits until nothing runs, looks at the server a number of times, and returns the
// least of each figure: connections that are over take a while to be closed, that of a
// look before, too.
func (s *soak) still() figures {
	var least figures
	n := 0
	s.await(s.t, "standstill", func(f figures) bool {
		if f.running+f.waiting+f.paused > 0 {
			return false
		}
		if n++; n == 1 {
			least = f
		}
		least.descriptors = min(least.descriptors, f.descriptors)
		least.goroutines = min(least.goroutines, f.goroutines)
		least.resident = min(least.resident, f.resident)
		return n == soakLooks
	})
	return least
}

// terminate sends SIGTERM while all clients are at work. Whoever was let in gets all of
// its answer.
func (s *soak) terminate() {
	before := s.done[soakKinds[0].name].Load()
	clients := s.start(s.t.Context())
	for s.done[soakKinds[0].name].Load() < before+20 && !s.t.Failed() {
		if _, err := s.look(); err != nil {
			s.t.Fatal(err)
		}
	}
	s.ending.Store(true)
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	clients.Wait()
	s.hasEnded(s.t)
}
