package llama

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"unsafe"

	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// Levels of the library's messages (enum ggml_log_level).
const (
	levelNone = iota
	levelDebug
	levelInfo
	levelWarn
	levelError
	levelContinue // goes on with the line before, at its level
)

const (
	// lineLimitBytes bounds a line put together from pieces.
	lineLimitBytes = 4096
	// keptLines is how many warnings and errors are kept to explain a failure.
	keptLines = 16
)

// logSink turns the library's messages into slog records. The library writes
// pieces of lines from any of its threads; a record is one line. Warnings and
// errors are also kept for a while, so that a call that failed can say why.
type logSink struct {
	mu      sync.Mutex
	logger  *slog.Logger
	line    []byte // not yet ended by a newline
	level   int    // of line
	kept    [keptLines]string
	written uint64              // lines ever kept
	quiet   [levelError + 1]int // calls under way whose caller gets messages from this level on
}

func (s *logSink) setLogger(logger *slog.Logger) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logger = logger
}

// message is the C callback, void (*)(enum ggml_log_level, const char *, void *).
func (s *logSink) message(level int32, text unsafe.Pointer, _ uintptr) {
	if text == nil {
		return
	}
	s.write(int(level), sys.CBytes(text))
}

func (s *logSink) write(level int, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if level != levelContinue {
		if len(s.line) > 0 {
			s.emit()
		}
		s.level = level
	}
	for len(text) > 0 {
		piece, rest, ended := bytes.Cut(text, []byte{'\n'})
		room := lineLimitBytes - len(s.line)
		s.line = append(s.line, piece[:min(len(piece), room)]...)
		if ended {
			s.emit()
		}
		text = rest
	}
}

// emit hands on the line put together so far. The string is made only if
// someone wants it: a load logs a line for each tensor at debug level.
func (s *logSink) emit() {
	defer func() { s.line = s.line[:0] }()
	keep := s.level == levelWarn || s.level == levelError
	level := s.slogLevel()
	if !keep && !s.logger.Enabled(context.Background(), level) {
		return
	}
	line := strings.TrimSpace(string(s.line))
	if line == "" {
		return
	}
	if keep {
		s.kept[s.written%keptLines] = line
		s.written++
	}
	s.logger.Log(context.Background(), level, line, "source", "libllama")
}

// slogLevel maps the current line's level. The library's information is
// detail to a server, and what a caller is told is not news as well.
func (s *logSink) slogLevel() slog.Level {
	switch s.level {
	case levelError:
		if s.quiet[levelError] > 0 || s.quiet[levelWarn] > 0 {
			return slog.LevelDebug
		}
		return slog.LevelError
	case levelWarn:
		if s.quiet[levelWarn] > 0 {
			return slog.LevelDebug
		}
		return slog.LevelWarn
	case levelInfo:
		return slog.LevelDebug
	default:
		return slog.LevelDebug - 4
	}
}

// logMark is a place in the log.
type logMark struct {
	written uint64
	level   int
}

// begin returns the place in the log that end looks back to. Until then
// messages from level on, levelWarn or levelError, are the caller's to report.
func (s *logSink) begin(level int) logMark {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet[level]++
	return logMark{s.written, level}
}

// end returns the warnings and errors logged since mark, ready to end an error
// text with, "" if there are none. What other goroutines caused meanwhile is
// among them.
func (s *logSink) end(mark logMark) (lines string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet[mark.level]--
	if s.written == mark.written {
		return ""
	}
	var since []string
	for i := max(mark.written, s.written-min(s.written, keptLines)); i < s.written; i++ {
		since = append(since, s.kept[i%keptLines])
	}
	return ": " + strings.Join(since, "; ")
}

// warn logs a warning of this package's own.
func (s *logSink) warn(message string, args ...any) {
	s.mu.Lock()
	logger := s.logger
	s.mu.Unlock()
	logger.Warn(message, args...)
}
