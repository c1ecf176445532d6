package slow

import (
	"cmp"
	"encoding/json/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/record"
)

// Config bounds a Log. The zero value of a bound takes its default.
type Config struct {
	Keep   int           // requests of a ranking. Default 20.
	Window time.Duration // Default 10 minutes.
}

// Log is the worst requests. All methods may be called from any goroutine.
type Log struct {
	config Config
	ends   atomic.Int64 // of the window that runs, in ns of Unix

	mu       sync.Mutex
	rankings [rankings]ranking
}

// By what there are rankings.
const (
	byFirstToken = iota
	byGap
	rankings
)

// ranking is the worst of two windows.
type ranking struct {
	floor       atomic.Int64 // a request below is not among them; written with Log.mu
	now, before []ranked     // worst first
}

type ranked struct {
	ns      int64
	request record.Request
}

// New returns a log with nothing in it.
func New(c Config) *Log {
	if c.Keep <= 0 {
		c.Keep = 20
	}
	if c.Window <= 0 {
		c.Window = 10 * time.Minute
	}
	return &Log{config: c}
}

// Record implements record.Recorder.
func (l *Log) Record(r *record.Request) {
	end := r.Begin.Add(r.Total).UnixNano()
	if end >= l.ends.Load() {
		l.turn(end)
	}
	l.rank(byFirstToken, int64(r.First), r)
	if r.Spent != nil {
		l.rank(byGap, r.Spent.Worst.Sum(), r)
	}
}

// turn begins a window, unless somebody has.
func (l *Log) turn(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ends := l.ends.Load()
	if now < ends {
		return
	}
	for i := range l.rankings {
		k := &l.rankings[i]
		k.before, k.now = k.now, nil
		if now >= ends+int64(l.config.Window) {
			k.before = nil // nothing has come for as long
		}
		k.floor.Store(0)
	}
	l.ends.Store(now + int64(l.config.Window))
}

// rank puts a request among the worst if it is one of them.
func (l *Log) rank(by int, ns int64, r *record.Request) {
	k := &l.rankings[by]
	if ns <= k.floor.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, _ := slices.BinarySearchFunc(k.now, ns, func(e ranked, ns int64) int { return cmp.Compare(ns, e.ns) })
	if at >= l.config.Keep {
		return
	}
	k.now = slices.Insert(k.now, at, ranked{ns, *r})
	if len(k.now) > l.config.Keep {
		k.now = slices.Delete(k.now, l.config.Keep, len(k.now))
	}
	if len(k.now) == l.config.Keep {
		k.floor.Store(k.now[l.config.Keep-1].ns)
	}
}

// worst copies a ranking, of both windows.
func (l *Log) worst(by int) []ranked {
	l.mu.Lock()
	all := slices.Concat(l.rankings[by].now, l.rankings[by].before)
	l.mu.Unlock()
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.ns, a.ns) })
	return all[:min(len(all), l.config.Keep)]
}

// ServeHTTP answers with all that is kept, as JSON.
func (l *Log) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	body, err := json.Marshal(struct {
		FirstToken []request `json:"first_token"`
		LongestGap []request `json:"longest_gap"`
	}{told(l.worst(byFirstToken)), told(l.worst(byGap))})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that went away
}

// request is the form of one.
type request struct {
	Time             time.Time `json:"time"`
	ID               string    `json:"id"`
	Route            string    `json:"route"`
	Status           int       `json:"status"`
	Key              string    `json:"key,omitempty"`
	Tier             string    `json:"tier"`
	Model            string    `json:"model,omitempty"`
	Stream           bool      `json:"stream"`
	PromptTokens     int       `json:"prompt_tokens"`
	CachedTokens     int       `json:"cached_tokens"`
	CompletionTokens int       `json:"completion_tokens"`
	FinishReason     string    `json:"finish_reason,omitempty"`
	FirstMs          float64   `json:"ttft_ms"`
	TotalMs          float64   `json:"total_ms"`
	Timeline         []phase   `json:"timeline"`
	LongestGap       *gap      `json:"longest_gap,omitempty"`
}

type phase struct {
	Phase string  `json:"phase"`
	Ms    float64 `json:"ms"`
	Parts []part  `json:"parts,omitempty"`
}

type part struct {
	Part string  `json:"part"`
	Ms   float64 `json:"ms"`
}

type gap struct {
	Token int     `json:"token"`
	Ms    float64 `json:"ms"`
	Parts []part  `json:"parts"`
}

// told gives requests their form.
func told(all []ranked) []request {
	out := make([]request, len(all))
	for i := range all {
		r := &all[i].request
		out[i] = request{
			Time: r.Begin.UTC(), ID: r.ID, Route: r.Route, Status: r.Status, Key: r.KeyName, Tier: r.Tier.String(),
			Model: r.Model, Stream: r.Streamed,
			PromptTokens: r.PromptTokens, CachedTokens: r.CachedTokens, CompletionTokens: r.CompletionTokens, FinishReason: r.Reason,
			FirstMs: ms(r.First), TotalMs: ms(r.Total), Timeline: timeline(r),
		}
		if s := r.Spent; s != nil && s.Worst.Token > 0 {
			out[i].LongestGap = &gap{s.Worst.Token, ms(time.Duration(s.Worst.Sum())), parts(&s.Worst.Parts)}
		}
	}
	return out
}

// timeline is the phases of a request that are known, those of the generation with
// their parts.
func timeline(r *record.Request) (all []phase) {
	r.Phases(func(name string, took time.Duration) {
		p := phase{Phase: name, Ms: ms(took)}
		switch {
		case r.Spent == nil:
		case name == "first_token":
			p.Parts = parts(&r.Spent.First)
		case name == "decode":
			p.Parts = parts(&r.Spent.After)
		}
		all = append(all, p)
	})
	return all
}

func parts(p *ask.Parts) (all []part) {
	p.Named(func(name string, ns int64) { all = append(all, part{name, ms(time.Duration(ns))}) })
	return all
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
