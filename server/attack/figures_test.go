package attack_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// figures are what the server says of itself.
type figures struct {
	healthy                  bool
	running, waiting, paused int
	cache                    float64 // share in use
	descriptors, goroutines  int
	resident                 int64
}

// look asks the server over a connection of its own, which is closed before
// it returns.
func (s *target) look() (figures, error) {
	var f figures
	status, _, err := s.get("/health")
	if err != nil {
		return f, err
	}
	f.healthy = status == http.StatusOK
	status, text, err := s.get("/metrics")
	if err != nil || status != http.StatusOK {
		return f, errors.Join(err, fmt.Errorf("/metrics: status %d", status))
	}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		name, number, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(name, "#") {
			continue
		}
		if at := strings.LastIndexByte(lines.Text(), '}'); at >= 0 {
			number = strings.TrimSpace(lines.Text()[at+1:])
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return f, fmt.Errorf("/metrics: %q: %w", lines.Text(), err)
		}
		f.take(name, value)
	}
	return f, nil
}

// take sorts one metric in.
func (f *figures) take(name string, value float64) {
	family, _, _ := strings.Cut(name, "{")
	switch family {
	case "weir_num_requests_running":
		f.running = int(value)
	case "weir_num_requests_waiting":
		f.waiting = int(value)
	case "weir_num_requests_paused":
		f.paused = int(value)
	case "weir_kv_cache_usage_perc":
		f.cache = value
	case "process_open_fds":
		f.descriptors = int(value)
	case "go_goroutines":
		f.goroutines = int(value)
	case "process_resident_memory_bytes":
		f.resident = int64(value)
	}
}
