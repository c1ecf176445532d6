package main

import (
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/internal/version"
)

// notInEffect says whether a group is open, and which of its options do nothing.
func notInEffect(name string) (open bool, options string) {
	for _, g := range ggroup.Groups() {
		if g.Name() == name {
			open = true
			for _, n := range g.Stats().NotInEffect {
				options += n.Option + " "
			}
		}
	}
	return open, options
}

func TestShareCores(t *testing.T) {
	processors := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(processors)
	spare := llama.SpareCores(1)
	for _, test := range []struct {
		variable, gomaxprocs string
		opened, lowered      bool
	}{
		{"", "", true, !version.Groups},
		{"shared", "", true, !version.Groups},
		{"", "7", true, false},
		{"free", "", false, false},
	} {
		t.Setenv(coresVariable, test.variable)
		t.Setenv("GOMAXPROCS", test.gomaxprocs)
		runtime.GOMAXPROCS(processors)
		c, err := shareCores(&options{threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := processors
		if test.lowered {
			want = min(spare, processors)
		}
		if got := runtime.GOMAXPROCS(0); got != want {
			t.Errorf("%+v: GOMAXPROCS is %d, want %d", test, got, want)
		}
		for _, name := range []string{"decode", "tokenize"} {
			open, missing := notInEffect(name)
			if open != test.opened {
				t.Errorf("%+v: group %s is open: %v", test, name, open)
			}
			if open && strings.Contains(missing, "WithCompute") == version.Groups {
				t.Errorf("%+v: group %s: not in effect: %s", test, name, missing)
			}
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}
	t.Setenv(coresVariable, "some")
	if _, err := shareCores(&options{}); err == nil || !strings.Contains(err.Error(), coresVariable) {
		t.Errorf("%s=some: %v", coresVariable, err)
	}
}

// The server's decodes and long texts are counted as computing calls.
func TestServeSharesCores(t *testing.T) {
	p := start(t, "-t", "1")
	if _, err := readAll(p.stream("5")); err != nil {
		t.Fatal(err)
	}
	long := `{"content":"` + strings.Repeat("words upon words ", 1000) + `"}` // short texts are not worth it
	response, err := p.do(http.MethodPost, "/tokenize", long, "")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	response, err = p.do(http.MethodGet, "/metrics", "", "")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := readAll(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"decode", "tokenize"} {
		series := `go_group_compute_calls_total{class="` + map[string]string{"decode": "latency", "tokenize": "normal"}[group] + `",group="` + group + `"} `
		_, value, found := strings.Cut(metrics, series)
		if counted := !strings.HasPrefix(value, "0\n"); !found || counted != version.Groups {
			t.Errorf("group %s: found %v, counted %v", group, found, counted)
		}
	}
	p.signal(syscall.SIGTERM)
	if code, log := p.wait(); code != exitDone {
		t.Errorf("exit code %d, log: %s", code, log)
	}
}
