package front

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/record"
	"github.com/weirgo/weir/server/tenants"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/openai"
)

// Config is what a Handler serves and within which bounds. The zero value of a
// bound takes its default.
type Config struct {
	Generator generate.Generator
	// Fingerprint names what computes the answers, in system_fingerprint. Clients
	// of llama-server look for a "b" at its beginning.
	Fingerprint string
	Defaults    openai.Defaults
	// StrictModel refuses requests for a model of another name. Without it any
	// name gets the one that is served.
	StrictModel bool
	// Llama is what llama-server's command line says beside.
	Llama LlamaServer
	// Vertex is where Vertex AI comes in.
	Vertex Vertex
	// Keys are the accepted API keys; none lets everybody in, if Tenants is nil.
	Keys []string
	// Tenants are the holders of other keys, and what they may do; nil: there are
	// none. Keys have no bounds, and are of the standard tier.
	Tenants *tenants.File

	// BodyBytes bounds a request's body. Default 8 MiB: two million tokens of
	// ASCII text, more than any context.
	BodyBytes int64
	// MemoryBytes bounds what requests hold together: bodies as they arrive,
	// and decoded; answers that are not streamed, as they grow. Default 96 MiB:
	// garbage included, the process stays within 256 MiB of what it has at
	// rest. One request may hold three quarters of it.
	MemoryBytes int64
	// LogprobEntries bounds the log-probabilities that a response that is not
	// streamed gathers: (top_logprobs+1) × max_tokens. Default 1 Mi, or what
	// half of MemoryBytes holds if that is less.
	LogprobEntries int
	// StreamLogprobEntries bounds those that a stream sends at once, of a token
	// and of those that may be a stop string before it: (top_logprobs+1) × (1 +
	// the stop string's bytes). Default 4096: 256 KiB, as much as waits for a
	// stream's client anyway.
	StreamLogprobEntries int
	// WriteTimeout bounds one write to a client that does not read, and how
	// long a stream's client may take nothing. Default one minute.
	WriteTimeout time.Duration
	// RetryAfter is what a client that got 429 is told to wait. Default 1 s.
	RetryAfter time.Duration
	// Streams bounds the streams and says who sends them. Its DropAfter is
	// WriteTimeout, its Probe a comment. The owner of the server waits for streams with Wait.
	Streams fanout.Config
	// Group is the group of the goroutine that writes all answers. Default:
	// that of the caller of New.
	Group *ggroup.Group
	// Service is the group in which what is no client's work is served: metrics, the
	// page, what there is to know of the server. Background, if not nil, is that in
	// which bodies of the background tier are decoded. Default: net/http's goroutines
	// are in none.
	Service, Background *ggroup.Group
	// Collectors are what /metrics shows beside the front's own.
	Collectors []prometheus.Collector
	// OwnMetricNames leaves the names of vLLM and llama-server out of /metrics.
	OwnMetricNames bool
	// Origins are those whose pages in a browser may use this server; the zero
	// value is none but its own.
	Origins Origins
	// Page, if not nil, is what a browser gets at / and below PageFiles: see
	// package page.
	Page http.Handler
	// Recorders are told what became of each request.
	Recorders []record.Recorder
	// Slow answers /debug/slow, for who has a key; nil: the path is unknown.
	Slow http.Handler
	// Flight answers /debug/flight, so too.
	Flight http.Handler
	// Scheduler appends members of an object, of JSON, that say what the scheduler did
	// with the engine's goroutine between two tokens, to who asks where the time went.
	// It may take a millisecond. nil: that is not known.
	Scheduler func(dst []byte, gap *ask.Gap) []byte
	// Log gets one debug record a request, and failures; it should not block.
	// Default slog.Default().
	Log *slog.Logger
}

const (
	defaultBodyBytes      = 8 << 20
	defaultLogprobEntries = 1 << 20
	defaultStreamEntries  = 4096
	logprobEntryBytes     = 64 // of JSON, about
	defaultMemoryBytes    = 96 << 20
	defaultWriteTimeout   = time.Minute
	defaultRetryAfter     = time.Second
)

func (c Config) withDefaults() (Config, error) {
	if c.Generator == nil {
		return c, errors.New("front: check config: Generator is required")
	}
	if c.BodyBytes == 0 {
		c.BodyBytes = defaultBodyBytes
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = defaultMemoryBytes
	}
	if c.LogprobEntries == 0 {
		c.LogprobEntries = min(defaultLogprobEntries, int(c.MemoryBytes/2/logprobEntryBytes))
	}
	if c.StreamLogprobEntries == 0 {
		c.StreamLogprobEntries = defaultStreamEntries
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	c.Streams.DropAfter = c.WriteTimeout
	c.Streams.Probe = []byte(wire.CommentFrame)
	if c.RetryAfter == 0 {
		c.RetryAfter = defaultRetryAfter
	}
	if c.Tenants != nil {
		c.Collectors = append(slices.Clip(c.Collectors), newTenantFigures(c.Tenants, c.Generator.Model().ID))
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, nil
}
