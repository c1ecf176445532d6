package llama

import (
	"log/slog"

	"github.com/ebitengine/purego"
)

// OpenAnew opens a library as Open does, and never the one already open.
func OpenAnew(dir string) (*Library, error) { return open(dir, nil) }

// LogSink is the receiver of the library's messages.
type LogSink = logSink

// NewLogSink makes one that writes to logger.
func NewLogSink(logger *slog.Logger) *LogSink {
	s := new(logSink)
	s.setLogger(logger)
	return s
}

// Write takes a piece of a message.
func (s *logSink) Write(level int, text string) { s.write(level, []byte(text)) }

// WriteBytes is Write without a copy.
func (s *logSink) WriteBytes(level int, text []byte) { s.write(level, text) }

// LogMark is a place in the log.
type LogMark = logMark

// Begin and End enclose a call whose errors, or all warnings too, go to its
// caller.
func (s *logSink) Begin(warnings bool) LogMark {
	if warnings {
		return s.begin(levelWarn)
	}
	return s.begin(levelError)
}
func (s *logSink) End(mark LogMark) string { return s.end(mark) }

// Callback returns the sink as a C function.
func (s *logSink) Callback() uintptr { return purego.NewCallback(s.message) }
