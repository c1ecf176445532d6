package flight

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	sched "github.com/weirgo/weir/sched/record"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/record"
)

// Config bounds a recorder. The zero value of a field takes its default.
type Config struct {
	Window time.Duration // how far back a trace reaches. Default 10 s.
	Bytes  int           // of memory for records. Default 4 MiB.
	Limit  time.Duration // a goroutine that is ready for longer is told of. Default 100 ms.
	Log    *slog.Logger  // that it is told of to. Default slog.Default().
}

const (
	defaultLimit = 100 * time.Millisecond
	tellEvery    = 10 * time.Second // of a group
)

// Recorder is the flight recorder. All methods may be called from any goroutine.
type Recorder struct {
	records *sched.Recorder
	starved *prometheus.Desc
	lost    *prometheus.Desc
}

var (
	_ record.Recorder      = (*Recorder)(nil)
	_ http.Handler         = (*Recorder)(nil)
	_ prometheus.Collector = (*Recorder)(nil)
)

// Open begins to record. The error says what the program lacks for it.
func Open(cfg Config) (*Recorder, error) {
	if ok, why := sched.Supported(); !ok {
		return nil, fmt.Errorf("flight: %w", errors.New(why))
	}
	if cfg.Limit == 0 {
		cfg.Limit = defaultLimit
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	records, err := sched.New(sched.Config{
		Window: cfg.Window, Bytes: cfg.Bytes, Limit: cfg.Limit, Every: tellEvery,
		Starved: func(s sched.Starved) { tell(cfg.Log, &s) },
	})
	if err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	return over(records), nil
}

func over(records *sched.Recorder) *Recorder {
	return &Recorder{
		records: records,
		starved: prometheus.NewDesc("weir_starved_goroutines_total", "Times that a goroutine was ready for longer than the flight recorder's limit and did not run.", []string{"group"}, nil),
		lost:    prometheus.NewDesc("weir_scheduler_records_lost_total", "Records of the scheduler that the flight recorder lost because they came too fast.", nil, nil),
	}
}

// tell logs a wait that was too long.
func tell(log *slog.Logger, s *sched.Starved) {
	log.Warn("a goroutine waits for a processor", "group", s.Name, "goroutine", s.G, "waited", s.Waited, "runs", s.Runs,
		"preempted", s.Preempted, "instead", instead(s.Instead), "untold", s.Untold)
}

// instead says in short what processors did: who had most of each.
func instead(all []sched.Processor) string {
	var b strings.Builder
	for i := range all {
		p := &all[i]
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "P%d", p.P)
		for _, ran := range p.Ran {
			fmt.Fprintf(&b, " g%d", ran.G)
			if ran.Name != "" {
				fmt.Fprintf(&b, " (%s)", ran.Name)
			}
			fmt.Fprintf(&b, " %v", ran.Time)
		}
		if p.Others > 0 {
			fmt.Fprintf(&b, " others %v", p.Others)
		}
		if p.Idle > 0 {
			fmt.Fprintf(&b, " idle %v", p.Idle)
		}
	}
	return b.String()
}

// Record implements record.Recorder.
func (r *Recorder) Record(q *record.Request) {
	begin := r.records.At(q.Begin)
	r.records.Add(q.Method+" "+q.Route+" "+q.ID, begin, begin+int64(q.Total), phases(q, begin)...)
}

// phases are those of a request that are known, from its beginning on.
func phases(q *record.Request, begin int64) (all []sched.Phase) {
	at := begin
	q.Phases(func(name string, took time.Duration) {
		p := sched.Phase{Name: name, From: at, To: at + int64(max(0, took))}
		at = p.To
		if name == "decode" && q.Spent != nil && q.Spent.Worst.Token > 0 {
			gap := &q.Spent.Worst
			end := min(max(begin+int64(gap.End.Sub(q.Begin)), p.From), p.To)
			from := max(end-gap.Sum(), p.From)
			all = append(all, sched.Phase{Name: name, From: p.From, To: from}, sched.Phase{Name: "longest_gap", From: from, To: end})
			p.From = end
		}
		all = append(all, p)
	})
	return all
}

// Of returns what appends the members of an object that say what the scheduler did with
// a goroutine between two tokens, in milliseconds that sum to "ms":
//
//	"ms":3.5,"running_ms":..,"ready_ms":..,"preempted_ms":..,"assist_ms":..,"stopped_ms":..,"syscall_ms":..,"parked_ms":..,"unknown_ms":..
//
// See [sched.Parts]; what is longer ago than the window is unknown.
func (r *Recorder) Of(goroutine func() uint64) func(dst []byte, gap *ask.Gap) []byte {
	return func(dst []byte, gap *ask.Gap) []byte {
		to := r.records.At(gap.End)
		p := r.records.Explain(goroutine(), to-gap.Sum(), to)
		dst = appendMs(append(dst, `"ms":`...), p.Total())
		for _, part := range []struct {
			name string
			time time.Duration
		}{
			{"running", p.Running}, {"ready", p.Ready}, {"preempted", p.Preempted}, {"assist", p.Assist},
			{"stopped", p.Stopped}, {"syscall", p.Syscall}, {"parked", p.Parked}, {"unknown", p.Unknown},
		} {
			dst = append(append(append(dst, `,"`...), part.name...), `_ms":`...)
			dst = appendMs(dst, part.time)
		}
		return dst
	}
}

func appendMs(dst []byte, d time.Duration) []byte {
	return strconv.AppendFloat(dst, float64(d)/1e6, 'f', -1, 64)
}

// ServeHTTP answers with the trace of what is in the window.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="weir.pftrace"`)
	_ = r.records.WriteTrace(w) // a client that went away: records there are
}

// Describe implements prometheus.Collector.
func (r *Recorder) Describe(out chan<- *prometheus.Desc) {
	out <- r.starved
	out <- r.lost
}

// Collect implements prometheus.Collector.
func (r *Recorder) Collect(out chan<- prometheus.Metric) {
	s := r.records.Snapshot()
	starved := map[string]uint64{}
	for i := range s.Groups {
		starved[s.Groups[i].Name] += s.Groups[i].Starved // names need not be unique
	}
	for name, n := range starved {
		out <- prometheus.MustNewConstMetric(r.starved, prometheus.CounterValue, float64(n), name)
	}
	out <- prometheus.MustNewConstMetric(r.lost, prometheus.CounterValue, float64(s.Lost))
}

// Close ends the recording.
func (r *Recorder) Close() { r.records.Close() }
