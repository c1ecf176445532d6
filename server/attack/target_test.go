package attack_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/internal/binary"
)

var seedFlag = flag.Uint64("seed", 20261, "what the attacks follow from")

// full reports whether the long form was asked for.
func full() bool { return os.Getenv("WEIR_ATTACK") == "full" }

// times returns how often to do something, in the long form and in the short.
func times(long, short int) int {
	if full() {
		return long
	}
	return short
}

// patience is for a machine that does something else as well.
const patience = time.Minute

// weir is the program under attack.
var weir string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(binary.Run(m, func(_, path string) error {
		weir = path
		return nil
	}))
}

// target is a running server.
type target struct {
	address string
	key     string // that client and figures send, "" for none
	command *exec.Cmd
	log     bytes.Buffer // complete once ended
	ended   chan struct{}
	rest    figures // before any attack
}

// Bounds of the target, small so that attacks reach them.
const (
	sequences       = 4
	contextTokens   = 512 // of a sequence
	timeoutSeconds  = 2   // to read a request, and to write to a client
	answerTokens    = 4   // where a request does not say
	drainSeconds    = 1
	residentGrowth  = 256 << 20
	goroutinesSlack = 4 // of the runtime's and the library's own
)

// onBoth attacks a server over io_uring and one over package net, which must
// come to rest after it, and end.
func onBoth(t *testing.T, attack func(t *testing.T, s *target)) {
	onEach(t, func(t *testing.T, s *target) {
		attack(t, s)
		s.comesToRest(t)
		s.ends(t)
	})
}

// onEach is onBoth without an end.
func onEach(t *testing.T, attack func(t *testing.T, s *target)) {
	for _, backend := range backends {
		t.Run(backend.String(), func(t *testing.T) {
			t.Parallel()
			attack(t, start(t, backend))
		})
	}
}

var backends = []iouring.Backend{iouring.BackendURing, iouring.BackendNet}

// start runs a server over the tiny model until the test ends.
func start(t *testing.T, backend iouring.Backend) *target {
	t.Helper()
	s := &target{}
	s.serve(t, backend, llamatest.Model(t), "-n", strconv.Itoa(answerTokens), "--drain-timeout", strconv.Itoa(drainSeconds))
	s.warm(t)
	return s
}

// serve runs a server until the test ends.
func (s *target) serve(t *testing.T, backend iouring.Backend, model string, args ...string) {
	t.Helper()
	mode := "net"
	if backend == iouring.BackendURing {
		mode = "uring"
		if features, err := iouring.Probe(); err != nil || features.Missing() != nil {
			t.Skipf("not supported here: %v", errors.Join(err, features.Missing()))
		}
	}
	number := func(n int) string { return strconv.Itoa(n) }
	s.ended = make(chan struct{})
	s.command = exec.CommandContext(t.Context(), weir, append([]string{"serve", "-m", model, "--port", "0", "--io", mode,
		"-np", number(sequences), "-c", number(sequences * contextTokens), "-t", "1", "--temp", "0", "--timeout", number(timeoutSeconds)}, args...)...)
	s.command.Env = append(os.Environ(), "LLAMA_LIB="+llamatest.Library(t))
	stderr, err := s.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.command.Process.Kill()
		<-s.ended
		_ = s.command.Wait()
		if t.Failed() {
			t.Logf("the server's log ends with\n%s", tail(s.log.Bytes(), 4096))
		}
	})
	s.awaitServing(t, stderr)
	s.await(t, "health", func(f figures) bool { return f.healthy })
}

// awaitServing reads the log, and returns when it says where the server is.
func (s *target) awaitServing(t *testing.T, stderr io.Reader) {
	t.Helper()
	serving := make(chan string, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewReader(io.TeeReader(stderr, &s.log))
		for {
			line, err := lines.ReadString('\n')
			if _, rest, ok := strings.Cut(line, "msg=serving url=http://"); ok {
				address, _, _ := strings.Cut(rest, " ")
				serving <- address
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case s.address = <-serving:
	case <-s.ended:
		t.Fatalf("weir serve does not: %s", s.log.Bytes())
	case <-time.After(patience):
		t.Fatal("weir serve takes too long")
	}
}

// warm has every part of the server work once, and notes what rest is.
func (s *target) warm(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	for range 2 * sequences {
		all.Go(func() {
			for _, body := range realBodies {
				if status, _, err := s.post(body.path, body.text); err != nil || status != http.StatusOK {
					t.Errorf("%s %s: status %d, %v", body.path, body.text, status, err)
				}
			}
		})
	}
	all.Wait()
	s.rest = s.await(t, "rest after warming up", func(f figures) bool { return f.running == 0 && f.waiting == 0 })
}

// dial opens a connection to the server, with a deadline for all of it.
func (s *target) dial() (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", s.address, patience)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn), nil
}

// comesToRest checks that nothing is left of an attack.
func (s *target) comesToRest(t *testing.T) {
	t.Helper()
	s.await(t, "rest", func(f figures) bool {
		return f.healthy && f.running == 0 && f.waiting == 0 && f.paused == 0 && f.cache == 0 &&
			f.descriptors <= s.rest.descriptors && f.goroutines <= s.rest.goroutines+goroutinesSlack &&
			f.resident <= s.rest.resident+residentGrowth
	})
}

// await looks at the server until it is as it should be.
func (s *target) await(t *testing.T, what string, ok func(figures) bool) figures {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		f, err := s.look()
		if err == nil && ok(f) {
			return f
		}
		select {
		case <-s.ended:
			t.Fatalf("the server died; no %s", what)
		case <-ctx.Done():
			t.Fatalf("no %s: %+v, %v; at rest it was %+v; descriptors are of %v", what, f, err, s.rest, s.descriptors())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// descriptors says what the server has open.
func (s *target) descriptors() (names []string) {
	dir := fmt.Sprintf("/proc/%d/fd", s.command.Process.Pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name, _ := os.Readlink(filepath.Join(dir, e.Name()))
		names = append(names, name)
	}
	return names
}

// ends asks the server to end, which it must do by itself and in time.
func (s *target) ends(t *testing.T) {
	t.Helper()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.hasEnded(t)
}

// hasEnded waits for the end of a server that was asked to end, and checks it.
func (s *target) hasEnded(t *testing.T) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("the server outlives SIGTERM")
	}
	_ = s.command.Wait()
	if code := s.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if crash := crashed.Find(s.log.Bytes()); crash != nil {
		t.Errorf("the log has %q: %s", crash, tail(s.log.Bytes(), 4096))
	}
}

// crashed finds what is logged of a crash, also of one that net/http caught.
var crashed = regexp.MustCompile(`panic:|panic serving|fatal error|SIG[A-Z]+:|goroutine \d+ \[|GGML_ASSERT|terminate called`)

func tail(content []byte, n int) []byte { return content[max(0, len(content)-n):] }
