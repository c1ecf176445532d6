package schedtrace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"
)

// Versions of traces that are read, by the Go 1.x that brought the format.
const (
	oldestVersion = 22
	newestVersion = 26
)

// Errors of what is no whole trace. They say what to do.
var (
	// ErrEmpty is of a file without a byte, or without an event.
	ErrEmpty = errors.New("it is empty: a program writes its trace until trace.Stop returns; let it end, or stop the trace")
	// ErrNotTrace is of a file that is something else.
	ErrNotTrace = errors.New("not a Go execution trace: give what runtime/trace, go test -trace or /debug/pprof/trace wrote")
	// ErrOld and ErrNew are of versions that are not read.
	ErrOld = errors.New("record the trace with a program built by Go 1.22 or newer")
	ErrNew = errors.New("build weir with a newer golang.org/x/exp/trace")
	// ErrCut is of a trace that ends too early.
	ErrCut = errors.New("it is cut off: stop the trace (trace.Stop) before the program ends, and copy the file whole")
	// ErrBroken is of a trace that contradicts itself.
	ErrBroken = errors.New("it is broken: record it again, or fetch it again if it was copied; go tool trace may tell more")
)

// Read reads a trace to its end and reports on it. It needs memory for one generation
// of the trace, which is a second of the program, for its live goroutines, and for a
// bounded history; not for all events. An error is r's, or one of those above, wrapped.
func Read(r io.Reader, c Config) (report *Report, err error) {
	c = c.withDefaults()
	source := &source{r: r}
	in := bufio.NewReaderSize(source, 1<<16)
	if err := checkHeader(in); err != nil {
		return nil, fmt.Errorf("schedtrace: read: %w", err)
	}
	m := newMachine(c)
	if err := m.readAll(in); err != nil {
		return nil, fmt.Errorf("schedtrace: read: %w", m.explain(err, source))
	}
	if m.events <= m.generations {
		return nil, fmt.Errorf("schedtrace: read: %w", ErrEmpty)
	}
	return m.report(), nil
}

// A source remembers how its reader ended.
type source struct {
	r   io.Reader
	err error // but io.EOF
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// headerBytes is the length of "go 1.22 trace\x00\x00\x00".
const headerBytes = 16

func checkHeader(in *bufio.Reader) error {
	head, err := in.Peek(headerBytes)
	switch {
	case err != nil && err != io.EOF:
		return err
	case len(head) == 0:
		return ErrEmpty
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return fmt.Errorf("%w; this is compressed by gzip: unpack it, if it is no profile of pprof's", ErrNotTrace)
	}
	const begin = "go 1."
	if len(head) < headerBytes {
		if n := min(len(head), len(begin)); string(head[:n]) == begin[:n] {
			return ErrCut
		}
		return ErrNotTrace
	}
	number, rest, ok := strings.Cut(strings.TrimPrefix(string(head), begin), " trace")
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil || !bytes.HasPrefix(head, []byte(begin)) || strings.Trim(rest, "\x00") != "":
		return ErrNotTrace
	case version < oldestVersion:
		return fmt.Errorf("it is a trace of Go 1.%d's format: %w", version, ErrOld)
	case version > newestVersion:
		return fmt.Errorf("it is a trace of Go 1.%d's format, and Go 1.%d's is the newest that is known: %w", version, newestVersion, ErrNew)
	}
	return nil
}

// panicked is a panic of the trace reader's, which some broken traces cause.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprint(p.value) }

// inReader reports, while a panic unwinds, whether it is one of the trace reader's.
func inReader() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return strings.HasPrefix(frame.Function, "golang.org/x/exp/trace")
		}
		if !more {
			return false
		}
	}
}

// readAll takes in all events.
func (m *machine) readAll(in io.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if !inReader() {
				panic(p)
			}
			err = panicked{p}
		}
	}()
	events, err := trace.NewReader(in)
	if err != nil {
		return err
	}
	for {
		ev, err := events.ReadEvent()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.event(&ev); err != nil {
			return err
		}
	}
}

// cutTexts are the reader's words for a trace that ends within a generation; there are
// no errors to ask for.
var cutTexts = []string{"failed to read full batch", "trace likely truncated", "no frequency event found", "no clock snapshot event found"}

// explain makes an operator's error of the reader's, whose text may have many lines.
func (m *machine) explain(err error, s *source) error {
	if s.err != nil {
		return s.err
	}
	detail, _, _ := strings.Cut(err.Error(), "\n")
	kind := ErrBroken
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || slices.ContainsFunc(cutTexts, func(text string) bool { return strings.Contains(detail, text) }) {
		kind = ErrCut
	}
	const most = 120
	if len(detail) > most {
		detail = detail[:most] + "…"
	}
	return fmt.Errorf("%w (after %d events: %s)", kind, m.events, strings.ToValidUTF8(strings.TrimRight(detail, ": "), "?"))
}
