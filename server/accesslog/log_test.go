package accesslog

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/record"
)

var begin = time.Date(2026, 11, 28, 9, 0, 0, 123_456_789, time.FixedZone("", 3600))

func answered() *record.Request {
	return &record.Request{
		ID: "req_1", Method: "POST", Path: "/v1/chat/completions", Client: "192.0.2.1:4711", Status: 200,
		Begin: begin, Total: 1500 * time.Millisecond, First: 20*time.Millisecond + 500*time.Microsecond,
		KeyName: "acme", Tier: ask.TierPriority, Asked: "whatever", Model: "tiny",
		PromptTokens: 7, CachedTokens: 4, CompletionTokens: 3, Queue: 2 * time.Millisecond, Reason: "stop", Streamed: true, Bytes: 321,
	}
}

func Example() {
	log, err := Open("-", Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	log.Record(&record.Request{ID: "req_1", Client: "[::1]:1", Method: "GET", Path: "/health", Status: 200, Begin: begin, Total: time.Millisecond, Bytes: 15})
	_ = log.Close(context.Background())
	// Output:
	// {"time":"2026-11-28T08:00:00.123Z","id":"req_1","client":"[::1]:1","method":"GET","path":"/health","status":200,"total_ms":1,"bytes":15}
}

func TestLine(t *testing.T) {
	const want = `{"time":"2026-11-28T08:00:00.123Z","id":"req_1","client":"192.0.2.1:4711","method":"POST","path":"/v1/chat/completions","status":200,` +
		`"key":"acme","tier":"priority","model":"tiny","stream":true,"prompt_tokens":7,"cached_tokens":4,"completion_tokens":3,` +
		`"queue_ms":2,"ttft_ms":20.5,"finish_reason":"stop","total_ms":1500,"bytes":321}` + "\n"
	if got := string(appendLine(nil, answered())); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	room := appendLine(nil, answered())
	if n := testing.AllocsPerRun(10, func() { room = appendLine(room[:0], answered()) }); n > 1 { // the request
		t.Errorf("a line allocates %v times", n)
	}
}

// Whatever a client asks for is one line of printable characters, and valid JSON.
func FuzzLine(f *testing.F) {
	for _, path := range []string{
		"/a\nb", "/\r\n{\"status\":200}", `/"\`, "/\x1b[2J", "/\u2028\u2029\u0085\u009b", "/\u202ereversed", "/\xff\xfe", "/\U000e0001", "/\x00\x7f", "/ä世😀",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := answered()
		r.Path, r.Method, r.ID, r.Client = path, path, path, path
		line := appendLine(nil, r)
		text, ended := strings.CutSuffix(string(line), "\n")
		if !ended || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
			t.Errorf("%q", line)
		}
		var back struct {
			Path string `json:"path"`
		}
		if err := json.Unmarshal(line, &back); err != nil || back.Path != strings.ToValidUTF8(path, "\ufffd") && !strings.Contains(back.Path, "\ufffd") {
			t.Errorf("%q comes back as %q, %v", path, back.Path, err)
		}
	})
}

func read(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// A file that was moved away is followed by another of its name; nothing is lost, and
// what was in a file stays.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := Open(path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	log.Record(answered())
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := log.Reopen(); err != nil {
		t.Fatal(err)
	}
	log.Record(answered())
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, after := read(t, path+".1"), read(t, path)
	if old[0] != "before" || len(old)+len(after) != 3 || log.Dropped() != 0 { // the first may have waited for the second file
		t.Errorf("%q, then %q", old, after)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("others may use it: %v, %v", info.Mode(), err)
	}
}

// Where no file can be opened the log goes on in the one before.
func TestReopenFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "access.log")
	log, err := Open(path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := log.Reopen(); err == nil || !strings.Contains(err.Error(), "may write") {
		t.Errorf("%v", err)
	}
	log.Record(answered())
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lines := read(t, filepath.Join(dir+".moved", "access.log")); len(lines) != 1 || !strings.HasPrefix(lines[0], `{"time":`) {
		t.Errorf("%q", lines)
	}
	if _, err := Open(path, Config{}); err == nil {
		t.Error("opened in a directory that is not there")
	}
}

// A reader that does not read loses lines, keeps nobody, and is told.
func TestLostLines(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	log, err := Open("-", Config{Stdout: w})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	for log.Dropped() == 0 {
		log.Record(answered())
	}
	read := make(chan []byte)
	go func() {
		content, _ := io.ReadAll(r)
		read <- content
	}()
	if err := log.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if content := <-read; !bytes.Contains(content, []byte(`,"lost":1}`)) {
		t.Errorf("the end is %q", content[max(0, len(content)-500):])
	}
}
