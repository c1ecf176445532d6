package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/neighbour"
)

// serverVariable makes the test binary act as a server.
const serverVariable = "WEIR_NEIGHBOUR_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		if err := serve(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve takes weir's flags, answers /tokenize, and ends well at SIGTERM.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	host, port := flags.String("host", "", ""), flags.String("port", "", "")
	flags.String("m", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	listener, err := net.Listen("tcp", net.JoinHostPort(*host, *port))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /tokenize", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tokens":[1,2]}`) })
	go func() { _ = http.Serve(listener, mux) }()
	<-end
	return nil
}

// TestProcess runs every row beside every group, short.
func TestProcess(t *testing.T) {
	defer func(p, r string, n int, d time.Duration) { *part, *rowNames, *times, *slice = p, r, n, d }(*part, *rowNames, *times, *slice)
	*part, *rowNames, *times, *slice = "process", "echo2,gosched,channel,mutex,timers,http2", 1, time.Millisecond
	r := sample.NewRecorder(neighbour.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	for row := range strings.SplitSeq(*rowNames, ",") {
		if got["none/"+row+"/per_s"] <= 0 || got["none/"+row+"/cpu_ns"] <= 0 || got["busy/"+row+"/rate_kept"] <= 0 {
			t.Errorf("%s: %v operations a second, %v ns each, beside a busy group %v of the rate",
				row, got["none/"+row+"/per_s"], got["none/"+row+"/cpu_ns"], got["busy/"+row+"/rate_kept"])
		}
	}
	if got["idle/least_rate_kept"] <= 0 {
		t.Error("there is no least of the idle groups")
	}
}

func TestServe(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(serverVariable, "1")
	defer func(p, s, w, c string, n int, d time.Duration) {
		*part, *stock, *weir, *connections, *serveTimes, *serveSlice = p, s, w, c, n, d
	}(*part, *stock, *weir, *connections, *serveTimes, *serveSlice)
	*part, *stock, *weir, *connections, *serveTimes, *serveSlice = "serve", self, self, "1,3", 1, time.Millisecond
	r := sample.NewRecorder(neighbour.Experiment)
	// A server whose share of a slice was no CPU time has no cost.
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	if got["tokenize3/rate_ratio"] <= 0 || got["tokenize1/stock_per_s"] <= 0 || got["tokenize1/weir_cpu_us"] <= 0 {
		t.Errorf("measured %v", got)
	}
	*weir = os.DevNull
	if err := measure(sample.NewRecorder(neighbour.Experiment)); !errors.Is(err, os.ErrPermission) {
		t.Errorf("error is %v", err)
	}
}

func TestBadFlags(t *testing.T) {
	for _, name := range []string{"echo", "echo0", "gosched2", "sleep", "http99999", ""} {
		if _, err := openRow(name); err == nil {
			t.Errorf("row %q was opened", name)
		}
	}
	if _, err := openGroup("loud", 1); err == nil {
		t.Error("an unknown group was opened")
	}
	defer func(p string) { *part = p }(*part)
	*part = "both"
	if err := measure(sample.NewRecorder(neighbour.Experiment)); err == nil {
		t.Error("an unknown part was measured")
	}
}
