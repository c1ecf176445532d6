package flight

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	sched "github.com/weirgo/weir/sched/record"
	"github.com/weirgo/weir/server/record"
)

const ms = time.Millisecond

// opened is a recorder, or the test is skipped.
func opened(t *testing.T, cfg Config) *Recorder {
	t.Helper()
	r, err := Open(cfg)
	if ok, why := sched.Supported(); !ok {
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Fatalf("without records: %v", err)
		}
		t.Skipf("not supported: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// The phases of a request are in the order of /debug/slow and fill its time.
func TestPhases(t *testing.T) {
	for _, test := range []struct {
		request record.Request
		want    []sched.Phase
	}{
		{record.Request{Total: 100, Receive: 10, Queue: 20, Prompt: 30, Decode: 25}, []sched.Phase{
			{Name: "receive", From: 7, To: 17}, {Name: "queue", From: 17, To: 37}, {Name: "first_token", From: 37, To: 67},
			{Name: "decode", From: 67, To: 92}, {Name: "delivery", From: 92, To: 107}}},
		{record.Request{Total: 100, Receive: 10}, []sched.Phase{{Name: "receive", From: 7, To: 17}, {Name: "delivery", From: 17, To: 107}}},
		{record.Request{Total: 5, Receive: 10}, []sched.Phase{{Name: "receive", From: 7, To: 17}, {Name: "delivery", From: 17, To: 17}}},
	} {
		if got := phases(&test.request, 7); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v: %+v\nwant %+v", test.request, got, test.want)
		}
	}
}

// A wait that was too long is one line, with what ran instead.
func TestTell(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	tell(log, &sched.Starved{
		Group: 2, Name: "inference", G: 7, Waited: 120 * ms, Untold: 3,
		Instead: []sched.Processor{
			{P: 0, Ran: []sched.Ran{{G: 9, Name: "service", Time: 100 * ms}, {G: 11, Time: 10 * ms}}, Others: 4 * ms, Idle: 6 * ms},
			{P: 1, Ran: []sched.Ran{{G: 12, Time: 120 * ms}}},
		},
	})
	want := `level=WARN msg="a goroutine waits for a processor" group=inference goroutine=7 waited=120ms runs=false preempted=false ` +
		`instead="P0 g9 (service) 100ms g11 10ms others 4ms idle 6ms; P1 g12 120ms" untold=3` + "\n"
	if out.String() != want {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
}

// What is recorded without records: metrics are there, and requests are taken.
func TestMetrics(t *testing.T) {
	records, err := sched.New(sched.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := over(records)
	defer r.Close()
	r.Record(&record.Request{Begin: time.Now(), Total: ms})
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range families {
		found = found || f.GetName() == "weir_scheduler_records_lost_total"
	}
	if !found {
		t.Errorf("%v", families)
	}
}

// A trace has the requests that are over.
func TestTrace(t *testing.T) {
	r := opened(t, Config{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	begin := time.Now()
	r.Record(&record.Request{ID: "mine-1", Method: "POST", Route: "/v1/completions", Begin: begin, Total: max(1, time.Since(begin))})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/debug/flight", nil))
	if w.Code != 200 || !bytes.Contains(w.Body.Bytes(), []byte("POST /v1/completions mine-1")) || !strings.Contains(w.Header().Get("Content-Disposition"), ".pftrace") {
		t.Errorf("status %d, %v: %d bytes without the request", w.Code, w.Header(), w.Body.Len())
	}
}
