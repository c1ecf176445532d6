package trial

import (
	"bytes"
	"strings"
)

// tailBytes is how much of what a child logs is kept: its end.
const tailBytes = 64 << 10

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// ofGo is the death of the program itself, which says why.
const ofGo = "died"

// deaths are how the Go runtime begins what it says of a signal that C code
// got, and what that means.
var deaths = []struct{ begin, meaning string }{
	{"SIGABRT", "aborted"},
	{"SIGSEGV", "read memory that is not there"},
	{"SIGBUS", "read memory that is not there"},
	{"SIGFPE", "divided by zero"},
	{"SIGILL", "met an instruction this machine does not have"},
	{"SIGTRAP", "stopped itself"},
	{"fatal error", ofGo},
	{"runtime: ", ofGo},
	{"panic: ", ofGo},
	{"unexpected fault", ofGo},
}

// noThreads is what is said by who may make no more threads: the Go runtime, with and
// without C, and C++. It says nothing of the model.
var noThreads = []string{"pthread_create failed", "failed to create new OS thread", "Resource temporarily unavailable"}

// words returns how the child died, "" if it does not say, and its last line
// before that: the library's.
func (t *tail) words() (death, last string) {
	for line := range bytes.Lines(t.kept) {
		text := strings.TrimSpace(string(line))
		for _, d := range deaths {
			if !strings.HasPrefix(text, d.begin) {
				continue
			}
			if d.meaning == ofGo {
				last = cut(text)
			}
			return d.meaning, last
		}
		if text != "" {
			last = cut(text)
		}
	}
	return "", last
}

// maxLineBytes is how much of the last line is passed on.
const maxLineBytes = 300

func cut(line string) string {
	if len(line) <= maxLineBytes {
		return line
	}
	return strings.ToValidUTF8(line[:maxLineBytes], "") + "…"
}
