package flight

import (
	"bytes"
	"encoding/json/v2"
	"log/slog"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	sched "github.com/weirgo/weir/sched/record"
	"github.com/weirgo/weir/server/ask"
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
	begin := time.Now()
	gap := func(end, took time.Duration) *ask.Spent {
		return &ask.Spent{Worst: ask.Gap{Token: 3, End: begin.Add(end), Parts: ask.Parts{Decode: int64(took)}}}
	}
	for _, test := range []struct {
		request record.Request
		want    []sched.Phase
	}{
		{record.Request{Total: 100, Receive: 10, Queue: 20, Prompt: 30, Decode: 25}, []sched.Phase{
			{Name: "receive", From: 7, To: 17}, {Name: "queue", From: 17, To: 37}, {Name: "first_token", From: 37, To: 67},
			{Name: "decode", From: 67, To: 92}, {Name: "delivery", From: 92, To: 107}}},
		{record.Request{Begin: begin, Total: 100, Receive: 10, Queue: 20, Prompt: 30, Decode: 25, Spent: gap(80, 15)}, []sched.Phase{
			{Name: "receive", From: 7, To: 17}, {Name: "queue", From: 17, To: 37}, {Name: "first_token", From: 37, To: 67},
			{Name: "decode", From: 67, To: 72}, {Name: "longest_gap", From: 72, To: 87}, {Name: "decode", From: 87, To: 92}, {Name: "delivery", From: 92, To: 107}}},
		{record.Request{Begin: begin, Total: 80, Queue: 20, Prompt: 30, Decode: 25, Spent: gap(1000, 26)}, []sched.Phase{
			{Name: "receive", From: 7, To: 7}, {Name: "queue", From: 7, To: 27}, {Name: "first_token", From: 27, To: 57},
			{Name: "decode", From: 57, To: 57}, {Name: "longest_gap", From: 57, To: 82}, {Name: "decode", From: 82, To: 82}, {Name: "delivery", From: 82, To: 87}}},
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

// TestOf: what the scheduler did in a gap is in parts that are the whole.
func TestOf(t *testing.T) {
	records, err := sched.New(sched.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := over(records)
	defer r.Close()
	mine := sched.Goroutine()
	began := time.Now()
	for done := make(chan int); time.Since(began) < ms; { // until there is something to tell
		go close(done)
		<-done
		done = make(chan int)
	}
	gap := ask.Gap{Token: 1, End: time.Now()}
	gap.Decode = int64(gap.End.Sub(began))
	text := "{" + string(r.Of(func() uint64 { return mine })(nil, &gap)) + "}"
	var parts map[string]float64
	if err := json.Unmarshal([]byte(text), &parts); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	sum := -parts["ms"]
	for _, v := range parts {
		sum += v
	}
	if want := float64(gap.Sum()) / 1e6; len(parts) != 9 || parts["ms"] != want || math.Abs(sum-want) > 1e-6 {
		t.Errorf("of %v ms: %s", want, text)
	}
	switch ok, _ := sched.Supported(); {
	case ok && (parts["running_ms"] == 0 || parts["parked_ms"] == 0):
		t.Errorf("it ran, and waited: %s", text)
	case !ok && parts["unknown_ms"] != parts["ms"]:
		t.Errorf("nothing is known: %s", text)
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
