package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// Whoever reads the log, or does not, holds up neither a request nor the end.
func TestLogNobodyReads(t *testing.T) {
	const pipeBytes, lineBytes = 64 << 10, 100 // a pipe holds, a debug record has at least
	for _, gone := range []bool{false, true} {
		name := "full pipe"
		if gone {
			name = "reader gone"
		}
		t.Run(name, func(t *testing.T) {
			p, stderr := startWatched(t, func(line string) bool { return !strings.Contains(line, "msg=serving") }, "-v")
			<-p.logged
			if gone {
				if err := stderr.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 * pipeBytes / lineBytes {
				if status := p.status(http.MethodGet, "/health", "", ""); status != http.StatusOK {
					t.Fatalf("status %d", status)
				}
			}
			if rest, err := readAll(p.stream("20")); err != nil || !strings.HasSuffix(rest, "data: [DONE]\n\n") {
				t.Errorf("the stream ends with %q, %v", rest[max(0, len(rest)-300):], err)
			}
			p.signal(syscall.SIGTERM)
			if state, err := p.command.Process.Wait(); err != nil || state.ExitCode() != exitDone {
				t.Errorf("ended with %v, %v", state, err)
			}
		})
	}
}
