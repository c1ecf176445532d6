package schedtrace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// goCommand runs the go command of the toolchain that runs the test.
func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = t.TempDir()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return out
}

// profileTotal adds up the samples of a pprof profile: a number, and ns.
func profileTotal(t *testing.T, profile []byte) Total {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		t.Fatal(err)
	}
	message, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	const sampleField, valueField = 2, 2 // of Profile, and of Sample
	var total Total
	fields(t, message, sampleField, func(sample []byte) {
		var values []uint64
		fields(t, sample, valueField, func(v []byte) {
			for len(v) > 0 { // packed in bytes, or one
				one, n := protowire.ConsumeVarint(v)
				if n < 0 {
					t.Fatal(protowire.ParseError(n))
				}
				values = append(values, one)
				v = v[n:]
			}
		})
		if len(values) != 2 {
			t.Fatalf("a sample with %d values", len(values))
		}
		total.Count += int64(values[0])
		total.Ns += int64(values[1])
	})
	return total
}

// fields calls do with the value of each field of that number.
func fields(t *testing.T, message []byte, number protowire.Number, do func([]byte)) {
	t.Helper()
	for len(message) > 0 {
		n, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			t.Fatal(protowire.ParseError(tag))
		}
		length := protowire.ConsumeFieldValue(n, kind, message[tag:])
		if length < 0 {
			t.Fatal(protowire.ParseError(length))
		}
		if value := message[tag : tag+length]; n == number {
			if kind == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			do(value)
		}
		message = message[tag+length:]
	}
}

var rangeLine = regexp.MustCompile(`^M=\S+ P=\S+ G=\S+ Range(Begin|Active|End) Time=(\d+) Name="([^"]*)" Scope=(\S+)`)

// rangeTotals adds up the ranges of what go tool trace -d=parsed prints, by the name's
// beginning; those that are open at either end of the trace do not count.
func rangeTotals(t *testing.T, printed []byte) map[string]Total {
	t.Helper()
	totals, open := map[string]Total{}, map[string]int64{}
	lines := bufio.NewScanner(bytes.NewReader(printed))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		m := rangeLine.FindStringSubmatch(lines.Text())
		if m == nil || m[3] == "stop-the-world (start trace)" {
			continue
		}
		at, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(m[3], " (")
		key := name + m[4]
		switch m[1] {
		case "Begin":
			open[key] = at
		case "End":
			if from, ok := open[key]; ok {
				one := totals[name]
				one.Count++
				one.Ns += at - from
				one.MaxNs = max(one.MaxNs, at-from)
				totals[name] = one
			}
			delete(open, key)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return totals
}

// Go's own tests, traced, with go tool trace's numbers beside ours.
func TestAgainstGoToolTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs tests of the standard library's")
	}
	for _, test := range []struct{ of, run string }{
		{"runtime", "^(TestChanSendBarrier|TestPingPongHog|TestYieldProgress|TestGoroutineProfileTrivial)$"},
		{"net/http", "^TestServe"},
	} {
		t.Run(test.of, func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "trace")
			goCommand(t, "test", "-count=1", "-short", "-run="+test.run, "-o="+filepath.Join(folder, "test"), "-trace="+file, test.of)
			trace, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := read(t, trace, Config{})
			checkWhole(t, r, 0)
			for _, profile := range []struct {
				kind string
				ours Total
			}{
				{"sched", r.Totals.Sched}, {"sync", r.Totals.Sync}, {"net", r.Totals.Network}, {"syscall", r.Totals.Syscall},
			} {
				theirs := profileTotal(t, goCommand(t, "tool", "trace", "-pprof="+profile.kind, file))
				profile.ours.MaxNs = 0
				if profile.ours != theirs {
					t.Errorf("%s: %+v, and go tool trace has %+v", profile.kind, profile.ours, theirs)
				}
			}
			ranges := rangeTotals(t, goCommand(t, "tool", "trace", "-d=parsed", file))
			for name, ours := range map[string]Total{
				"stop-the-world": r.Totals.STW, "GC concurrent mark phase": r.Totals.Mark, "GC mark assist": r.Totals.Assist,
			} {
				if ours != ranges[name] {
					t.Errorf("%s: %+v, and go tool trace has %+v", name, ours, ranges[name])
				}
			}
			if r.Park.Count == 0 || r.Run.Count < r.Park.Count || r.Totals.Sched.Count == 0 {
				t.Errorf("%d latencies after a wait, %d in all", r.Park.Count, r.Run.Count)
			}
		})
	}
}
