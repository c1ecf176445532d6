package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/internal/logsink"
)

// logging is the log of a process that serves: who logs never waits for who
// reads the log, and its end is not the process's.
type logging struct {
	*slog.Logger
	sink  *logsink.Sink
	group *ggroup.Group
	file  *os.File // out's descriptor again, or nil
}

// unblock has what is written past the log, by a C library or in a crash, wait for
// nobody either.
func unblock(outputs ...io.Writer) {
	for _, out := range outputs {
		if f, ok := out.(*os.File); ok {
			_ = logsink.Unblock(f) // else it stays as it is
		}
	}
}

// openLogging logs to out until close.
func (o *options) openLogging(out io.Writer) (*logging, error) {
	l := new(logging)
	if f, ok := out.(*os.File); ok {
		var err error
		if l.file, err = logsink.Reopen(f); err == nil { // else f itself will do
			out = l.file
		}
	}
	var err error
	if l.group, err = ggroup.Open("logs", bounded(o.backgroundQuota)...); err != nil {
		return nil, err
	}
	l.sink = logsink.Open(out, logsink.Config{Group: l.group})
	l.Logger = slog.New(logsink.NewHandler(l.sink, &slog.HandlerOptions{Level: o.level()}))
	return l, nil
}

// flush ends the log with what is left, if it is read within the limit.
func (l *logging) flush(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// A line that nobody reads is no failure of the server's: the errors say
	// only that some are lost.
	_ = l.sink.Close(ctx)
	_ = l.group.Shutdown(ctx)
}

// close ends the log and frees it.
func (l *logging) close() {
	l.flush(flushLimit)
	if l.file != nil {
		_ = l.file.Close()
	}
}

// fail says why the process ends, while the log is still there to say it.
func (l *logging) fail(err error) error {
	if err == nil {
		return nil
	}
	fmt.Fprintf(l.sink, "weir: %v\n", err) // never blocks, never fails
	return errReported
}

// dropped counts the lines that found no room.
func (l *logging) dropped() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "weir_log_lines_dropped_total", Help: "Log lines lost because whoever reads the log did not.",
	}, func() float64 { return float64(l.sink.Dropped()) })
}
