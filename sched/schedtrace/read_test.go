package schedtrace

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/weirgo/weir/sched/schedtrace/schedtracetest"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts in testdata anew")

// story is a trace with some of everything.
func story() []byte {
	s := newScene(2)
	s.one.At(10_000).Log("ggroup.next", "infer")
	s.one.At(10_010).Create(5, "main.serve")
	s.one.At(10_500).Create(3, "runtime.gcBgMarkWorker")
	s.two.At(11_000).ProcStart(1)
	s.two.At(11_100).Start(5)
	s.two.At(12_000).Block("chan receive", "main.take", "main.serve")
	s.two.At(12_050).ProcStop()
	s.one.At(100_000).Unblock(5, "runtime.chansend1", "main.give", "main.main")
	s.one.At(100_100).Unblock(2, "main.main")
	s.two.At(400_000).ProcStart(1)
	s.two.At(400_200).Start(5)
	s.two.At(410_000).Syscall(1, "runtime.cgocall", "main.decode", "main.serve")
	s.one.At(420_000).Block("sleep", "main.main")
	s.one.At(420_100).Start(3)
	s.one.At(420_110).Label("GC (dedicated)")
	s.one.At(900_000).Block("system goroutine wait", "runtime.gcBgMarkWorker")
	s.one.At(900_500).Start(2)
	s.one.At(901_000).STWBegin("GC mark termination")
	s.one.At(905_000).STWEnd()
	s.onThree.At(910_000).ProcSteal(1, s.two)
	s.two.At(920_000).SyscallEndBlocked()
	s.onThree.At(930_000).ProcStart(1)
	s.onThree.At(930_500).Start(5)
	s.onThree.At(940_000).Destroy()
	s.one.At(950_000).Stop("preempted", "main.spin", "main.waiter")
	s.one.At(950_700).Start(2)
	s.one.At(1_000_000).Block("network", "main.waiter")
	return s.w.Bytes()
}

func TestTranscripts(t *testing.T) {
	r := read(t, story(), Config{Worst: 3})
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	whole, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"story.txt": text.Bytes(), "story.json": append(whole, '\n')} {
		file := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(file, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: not as it was (-rewrite writes it anew):\n%s", file, got)
		}
	}
}

// The same trace gives the same report, to the byte.
func TestReportsAreEqual(t *testing.T) {
	trace := story()
	var first []byte
	for range 20 {
		got, err := json.Marshal(read(t, trace, Config{}))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Fatalf("%s\nafter\n%s", got, first)
		}
	}
}

func TestErrors(t *testing.T) {
	whole := story()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(whole)
	_ = z.Close()
	lie := bytes.Clone(whole)
	copy(lie[len(lie)/2:], "this is not what was written there")
	for _, test := range []struct {
		name  string
		trace []byte
		is    error
		says  string
	}{
		{"empty", nil, ErrEmpty, "let it end, or stop the trace"},
		{"header alone", []byte(schedtracetest.Header), ErrEmpty, "stop the trace"},
		{"half a header", []byte("go 1.2"), ErrCut, "copy the file whole"},
		{"text", []byte("goroutine 1 [running]:\nmain.main()\n"), ErrNotTrace, "give what runtime/trace"},
		{"short text", []byte("hello"), ErrNotTrace, "/debug/pprof/trace"},
		{"compressed", packed.Bytes(), ErrNotTrace, "unpack it"},
		{"zeros", make([]byte, 100), ErrNotTrace, "give what"},
		{"Go 1.21", []byte("go 1.21 trace\x00\x00\x00"), ErrOld, "Go 1.21's format: record the trace with a program built by Go 1.22"},
		{"Go 1.5", []byte("go 1.5 trace\x00\x00\x00\x00"), ErrOld, "Go 1.5's"},
		{"Go 1.99", []byte("go 1.99 trace\x00\x00\x00"), ErrNew, "newer golang.org/x/exp/trace"},
		{"no number", []byte("go 1.xx trace\x00\x00\x00"), ErrNotTrace, ""},
		{"cut", whole[:len(whole)/2], ErrCut, "stop the trace (trace.Stop) before the program ends"},
		{"cut in the last byte", whole[:len(whole)-1], ErrCut, "copy the file whole"},
		{"spoilt", lie, ErrBroken, "record it again"},
		{"more after its end", append(bytes.Clone(whole), 7, 7, 7), ErrBroken, "record it again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Read(bytes.NewReader(test.trace), Config{})
			if r != nil || !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, %v; want %v that says %q", r, err, test.is, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
		})
	}
	// A reader's own error is told as it is.
	failed := errors.New("the disk is gone")
	for _, n := range []int{0, 5, 200} {
		in := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(failed))
		if _, err := Read(in, Config{}); !errors.Is(err, failed) {
			t.Errorf("after %d bytes: %v, want %v", n, err, failed)
		}
	}
	// Bytes may come one at a time.
	if _, err := Read(iotest.OneByteReader(bytes.NewReader(whole)), Config{}); err != nil {
		t.Error(err)
	}
}

// Wherever a trace is cut, there is an error, and no panic.
func TestCutAnywhere(t *testing.T) {
	whole := story()
	for n := range whole {
		if r, err := Read(bytes.NewReader(whole[:n]), Config{}); err == nil || r != nil {
			t.Fatalf("the first %d bytes of %d are a trace", n, len(whole))
		}
	}
}

// Whatever a byte of it is instead, there is a report or an error, and no panic.
func TestSpoiltAnywhere(t *testing.T) {
	whole := story()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for n := range whole {
		spoilt := bytes.Clone(whole)
		values := []byte{0, 1, 0x7f, 0x80, 0xff, whole[n] + 1, byte(r.Uint32())}
		spoilt[n] = values[r.IntN(len(values))]
		if r.IntN(2) == 0 { // and another
			spoilt[r.IntN(len(spoilt))] = byte(r.Uint32())
		}
		checkAny(t, spoilt)
	}
}

// checkAny reads what may be a trace.
func checkAny(t *testing.T, trace []byte) {
	t.Helper()
	r, err := Read(bytes.NewReader(trace), Config{Worst: 5})
	if (r == nil) == (err == nil) {
		t.Fatalf("%v, %v", r, err)
	}
	if err != nil {
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %q", err)
		}
		return
	}
	checkWhole(t, r, 0)
	if err := r.WriteText(io.Discard); err != nil {
		t.Error(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	whole := story()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(schedtracetest.Header))
	for _, old := range []string{"1.22", "1.23", "1.25"} {
		f.Add(bytes.Replace(whole, []byte("1.26"), []byte(old), 1))
	}
	f.Fuzz(checkAny)
}
