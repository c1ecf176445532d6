package llama

import "log/slog"

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

// Begin and End enclose a call that may fail.
func (s *logSink) Begin() uint64          { return s.begin() }
func (s *logSink) End(mark uint64) string { return s.end(mark) }
