package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/common/expfmt"
	promnames "github.com/prometheus/common/model"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/internal/version"
)

// Groups have the classes that their work asks for; what has a quota is in the
// background, and 100 % is none. On stock Go one line says what is missing.
func TestGroups(t *testing.T) {
	for _, percent := range []int{1, 10, noQuota} {
		g, err := openGroups(percent)
		if err != nil {
			t.Fatal(err)
		}
		for group, class := range map[*ggroup.Group]ggroup.Class{g.inference: ggroup.Latency, g.background: ggroup.Background, g.service: ggroup.Background} {
			s := group.Stats()
			quota := slices.ContainsFunc(s.NotInEffect, func(n ggroup.NotInEffect) bool {
				return n.Option == fmt.Sprintf("WithCPUQuota(%v)", float64(percent)/100)
			})
			if s.Class != class || (len(s.NotInEffect) == 0) != version.Groups || quota != (!version.Groups && group == g.service && percent < noQuota) {
				t.Errorf("%d %%: %s is %+v", percent, group, s)
			}
		}
		var said bytes.Buffer
		sayMissing(slog.New(slog.NewTextHandler(&said, nil)))
		if text := said.String(); strings.Contains(text, "service") == version.Groups || strings.Count(text, "\n") > 1 {
			t.Errorf("%q", text)
		}
		if err := g.close(); err != nil {
			t.Error(err)
		}
	}
}

// ofGroup is what the server shows of a group by a metric, a counter or a gauge.
func (p *process) ofGroup(name, group string) (value float64) {
	p.t.Helper()
	status, _, text := p.ask(http.MethodGet, "/metrics", "Accept", "text/plain")
	if status != http.StatusOK {
		p.t.Fatalf("status %d: %s", status, text)
	}
	parser := expfmt.NewTextParser(promnames.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range families[name].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "group" && l.GetValue() == group {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	p.t.Fatalf("%s has no group %s", name, group)
	return 0
}

// The server's own groups do their work: scrapes and the page cost the service its
// time, the log that of the logs, and a request of the background tier the background.
func TestGroupsOfTheServer(t *testing.T) {
	p := start(t, "-v", "--background-quota", "50")
	for _, group := range []string{"service", "logs", "background"} { // each is there from the start
		p.ofGroup("go_group_goroutines", group)
	}
	before := p.ofGroup("go_group_running_seconds_total", "background")
	if status, _, text := p.ask(http.MethodGet, "/ui/app.js", "Accept", "*/*"); status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/v1/completions", strings.NewReader(`{"prompt":"`+strings.Repeat("a b ", 10)+`","max_tokens":2}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Priority", "u=7")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
	for group, least := range map[string]float64{"service": 0, "logs": 0, "background": before} {
		if ran := p.ofGroup("go_group_running_seconds_total", group); (ran > least) != version.Groups {
			t.Errorf("%s ran for %v s, before %v", group, ran, least)
		}
	}
	p.signal(syscall.SIGTERM)
	if code, log := p.wait(); code != exitDone || strings.Contains(log, "goroutine groups without") == version.Groups || strings.Count(log, "goroutine groups without") > 1 {
		t.Errorf("exit code %d: %s", code, log)
	}
}

func TestBackgroundQuotaFlag(t *testing.T) {
	for _, value := range []string{"0", "-1", "101", "x"} {
		var out bytes.Buffer
		if code := run([]string{"serve", "-m", "x", "--background-quota", value}, &out, &out); code != exitUsage || !strings.Contains(out.String(), "background-quota") {
			t.Errorf("%s: exit code %d: %s", value, code, out.String())
		}
	}
}
