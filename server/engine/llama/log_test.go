package llama_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/server/engine/llama"
)

// Levels of the library's messages.
const (
	ggmlDebug = 1 + iota
	ggmlInfo
	ggmlWarn
	ggmlError
	ggmlContinue
)

func newLogSink(level slog.Level) (*llama.LogSink, *bytes.Buffer) {
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "source" {
			return slog.Attr{}
		}
		return a
	}}
	return llama.NewLogSink(slog.New(slog.NewTextHandler(&out, options))), &out
}

func TestLogLines(t *testing.T) {
	type piece struct {
		level int
		text  string
	}
	tests := []struct {
		name   string
		pieces []piece
		want   string
	}{
		{"levels", []piece{{ggmlError, "e\n"}, {ggmlWarn, "w\n"}, {ggmlInfo, "i\n"}, {ggmlDebug, "d\n"}},
			"level=ERROR msg=e\nlevel=WARN msg=w\nlevel=DEBUG msg=i\nlevel=DEBUG-4 msg=d\n"},
		{"continued", []piece{{ggmlWarn, "one "}, {ggmlContinue, "two "}, {ggmlContinue, "three\n"}, {ggmlInfo, "next\n"}},
			"level=WARN msg=\"one two three\"\nlevel=DEBUG msg=next\n"},
		{"several lines", []piece{{ggmlWarn, "a\nb\nc"}, {ggmlContinue, "\n"}},
			"level=WARN msg=a\nlevel=WARN msg=b\nlevel=WARN msg=c\n"},
		{"not ended", []piece{{ggmlWarn, "a"}, {ggmlError, "b\n"}}, "level=WARN msg=a\nlevel=ERROR msg=b\n"},
		{"empty", []piece{{ggmlWarn, "\n"}, {ggmlWarn, ""}, {ggmlWarn, "  \n"}}, ""},
		{"dots", []piece{{ggmlInfo, "."}, {ggmlContinue, "."}, {ggmlContinue, ".\n"}}, "level=DEBUG msg=...\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sink, out := newLogSink(slog.LevelDebug - 4)
			for _, p := range test.pieces {
				sink.Write(p.level, p.text)
			}
			if out.String() != test.want {
				t.Errorf("got\n%swant\n%s", out, test.want)
			}
		})
	}
}

func TestLogIsBounded(t *testing.T) {
	sink, out := newLogSink(slog.LevelInfo)
	for range 1000 {
		sink.Write(ggmlContinue, strings.Repeat("x", 1000))
	}
	sink.Write(ggmlError, "end\n")
	if out.Len() > 5000 {
		t.Errorf("%d bytes logged", out.Len())
	}
	mark := sink.Begin(false)
	for range 1000 {
		sink.Write(ggmlError, "again\n")
	}
	if lines := sink.End(mark); strings.Count(lines, "again") != 16 {
		t.Errorf("kept %q", lines)
	}
}

func TestLogExplains(t *testing.T) {
	sink, out := newLogSink(slog.LevelInfo)
	sink.Write(ggmlError, "before\n")
	mark := sink.Begin(false)
	sink.Write(ggmlInfo, "detail\n")
	sink.Write(ggmlWarn, "odd\n")
	sink.Write(ggmlError, "broken\n")
	if got := sink.End(mark); got != ": odd; broken" {
		t.Errorf("explained by %q", got)
	}
	// The caller got the error: it is not news as well.
	if want := "level=ERROR msg=before\nlevel=WARN msg=odd\n"; out.String() != want {
		t.Errorf("logged\n%swant\n%s", out, want)
	}
	if got := sink.End(sink.Begin(false)); got != "" {
		t.Errorf("explained by %q", got)
	}
	out.Reset()
	mark = sink.Begin(true)
	sink.Write(ggmlWarn, "expected\n")
	if got := sink.End(mark); got != ": expected" || out.Len() != 0 {
		t.Errorf("explained by %q, logged %q", got, out)
	}
}

// TestLogFromThreadsOfC has threads that Go knows nothing of write messages.
func TestLogFromThreadsOfC(t *testing.T) {
	const source = `
		#include <pthread.h>
		typedef void (*callback)(int, const char *, void *);
		static void *run(void *f) {
			for (int i = 0; i < 100; i++) ((callback)f)(3, "from a thread\n", 0);
			return 0;
		}
		void write_from_threads(callback f) {
			pthread_t threads[4];
			for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, run, (void *)f);
			for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
		}`
	object := compile(t, t.TempDir(), "threads.so", source, "-pthread")
	handle, err := purego.Dlopen(object, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	function, err := purego.Dlsym(handle, "write_from_threads")
	if err != nil {
		t.Fatal(err)
	}
	sink, out := newLogSink(slog.LevelInfo)
	purego.SyscallN(function, sink.Callback())
	if n := strings.Count(out.String(), "level=WARN msg=\"from a thread\"\n"); n != 400 {
		t.Errorf("%d of 400 messages arrived", n)
	}
}

func TestLogDoesNotAllocate(t *testing.T) {
	sink, _ := newLogSink(slog.LevelInfo)
	line := strings.Repeat("detail ", 10) + "\n"
	sink.Write(ggmlInfo, line)
	text := []byte(line)
	if n := testing.AllocsPerRun(100, func() { sink.WriteBytes(ggmlInfo, text) }); n != 0 {
		t.Errorf("a message nobody wants allocates %v times", n)
	}
}
