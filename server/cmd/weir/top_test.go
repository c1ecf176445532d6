package main

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestTopUsage(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skipf("not supported: %v", err)
	}
	for _, test := range []struct {
		args []string
		code int
		text string
	}{
		{nil, exitUsage, "0 arguments given, not PID"},
		{[]string{"serve"}, exitUsage, `"serve" is not a process's number`},
		{[]string{"--interval", "0", "1"}, exitUsage, "positive"},
		{[]string{"0"}, exitFailed, "a process's number is above 0"},
		{[]string{strconv.Itoa(gone.Process.Pid)}, exitFailed, "there is no such process; `ps -e`"},
	} {
		code, stdout, stderr := weir(t, nil, append([]string{"top"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.text) || stdout != "" {
			t.Errorf("%v: exit code %d, %q, %q", test.args, code, stdout, stderr)
		}
	}
}

// The server's own groups are seen from outside, by their names.
func TestTopOfTheServer(t *testing.T) {
	p := start(t)
	asks, done := make(chan bool), make(chan bool)
	go func() { // something to see
		defer close(done)
		for {
			select {
			case <-asks:
				return
			default:
			}
			response, err := http.Post(p.url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"a b","max_tokens":8}`))
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
		}
	}()
	code, stdout, stderr := weir(t, nil, "top", "--once", "--json", strconv.Itoa(p.command.Process.Pid))
	close(asks)
	<-done
	switch {
	case strings.Contains(stderr, "has no point"):
		if code != exitFailed || !strings.Contains(stderr, "; build it with ") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		t.Skip("not supported: this toolchain's programs have no probe points")
	case strings.Contains(stderr, "as root"), strings.Contains(stderr, "it needs Linux"), strings.Contains(stderr, "BTF"):
		t.Skipf("not supported: %s", stderr)
	case code != exitDone:
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var s struct {
		Groups []struct {
			Name string
			Runs uint64
			Wait struct{ Count uint64 }
		}
		Threads []struct{ ID int }
	}
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	for _, g := range s.Groups {
		if g.Name == "inference" && g.Runs > 0 && g.Wait.Count > 0 && len(s.Threads) > 0 {
			return
		}
	}
	t.Errorf("nothing of inference in %s", stdout)
}
