package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirgo/weir/server/accesslog"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/tenants"
	"github.com/weirgo/weir/server/wire/openai"
)

// options are the flags of weir serve.
type options struct {
	model, alias                     string
	contextTokens, parallel          int
	batchTokens, microBatchTokens    int
	threads, batchThreads, gpuLayers int
	poolingName                      string
	pooling                          engine.Pooling // from poolingName
	flashAttention                   engine.FlashAttention
	noMemoryMap, lockMemory          bool
	fixedShape, noRepack             bool
	noVerify                         bool
	library                          string
	cores                            cores // of decodes and texts, once the server begins

	host, io              string
	hosts                 []string // from host
	port, queue           int
	requestMemory         int // MiB; 0: by what the machine has
	cache                 cacheOptions
	transport             transport // from io
	keys                  []string
	keyFile               string
	tenantFile            string
	tenants               *tenants.File // from tenantFile; nil: none
	corsOrigins           []string
	origins               front.Origins // from corsOrigins
	noPage                bool
	certificate, tlsKey   string
	tls                   *tls.Config // from certificate and tlsKey; nil: plain HTTP
	timeout, drainTimeout time.Duration
	stuckAfter            time.Duration
	backgroundQuota       int // percent of the processors' time, noQuota: no bound
	pacing                pacingOptions
	healthAddress         string
	grace                 time.Duration // negative: as graceTime says
	tpotMs                float64       // 0: none
	drafts                draftOptions
	gcTune                string

	predict, topK, seed     int
	temperature, topP, minP float64
	template, templateFile  string
	logLevel                string
	flight                  time.Duration // 0: off
	metricNames, accessFile string
	access                  *accesslog.Log // of accessFile, once the server begins; nil: none
	recorders               recorders
	verbose                 bool
	strictModel             bool
	cachePerKey             bool

	sampling ask.Sampling // from these, and from llama
	llama    llamaOptions
	routes   front.LlamaServer // from llama
	vertex   front.Vertex      // from the environment
}

// defaultOptions are llama-server's where it has the flag.
func defaultOptions() options {
	return options{
		parallel: 4, batchTokens: 2048, microBatchTokens: 512, gpuLayers: -1,
		host: "127.0.0.1", io: "uring", port: 8080, queue: 256, timeout: time.Minute, drainTimeout: 30 * time.Second, grace: -1, stuckAfter: 30 * time.Second, gcTune: "auto", backgroundQuota: defaultQuotaPercent,
		predict: -1, topK: 40, seed: -1, temperature: 0.8, topP: 0.95, minP: 0.05,
		logLevel: "info", metricNames: "all", llama: defaultLlamaOptions(), pacing: defaultPacing(), drafts: defaultDrafts(), cache: defaultCache(),
	}
}

// parseOptions reads and checks the flags of weir serve.
func parseOptions(args []string, out io.Writer) (options, error) {
	o := defaultOptions()
	f := newFlagSet("serve", "Serves one model over OpenAI's HTTP API.")
	o.defineModel(f)
	f.section("Server")
	f.text(&o.host, "host", "ADDRESS[,ADDRESS]", "addresses to listen on, and paths of sockets, which end with .sock; :: beside another address is IPv6 alone; default 127.0.0.1")
	f.whole(&o.port, "port", "N", "port to listen on at each, 0: any free one; default 8080")
	f.text(&o.io, "io", "uring|net", "what moves the bytes; uring takes net where it must; default uring")
	f.list(&o.keys, "api-key", "KEY[,KEY]", "keys that clients must send one of; may be repeated; default: from "+keyVariables[0])
	f.named(&o.keyFile, "api-key-file", "FILE", "file with such keys, one a line")
	f.named(&o.tenantFile, "keys", "FILE", "JSON file of keys with names, tiers and bounds, see `weir keys -h`; SIGHUP reads it again, instead of ending the server")
	f.truth(&o.cachePerKey, "cache-per-key", "begin a prompt only with what requests of the same name in --keys have left; default: whoever sent it first")
	f.list(&o.corsOrigins, "cors-origins", "ORIGIN[,ORIGIN]", "web origins whose pages may use this server; *: all; localhost: those of the client's own machine; default: * with an API key, else none")
	f.truth(&o.noPage, "no-webui no-ui", "no page for browsers at /")
	f.named(&o.tlsKey, "ssl-key-file", "FILE", "PEM key, for HTTPS and HTTP/2; with --ssl-cert-file")
	f.named(&o.certificate, "ssl-cert-file", "FILE", "PEM certificate chain; with --ssl-key-file")
	f.whole(&o.queue, "queue", "N", "requests that may wait, further ones get 429; default 256")
	f.whole(&o.requestMemory, "request-memory", "MIB", "for bodies and answers together; default 96, or less where less is available")
	o.cache.define(f)
	f.seconds(&o.timeout, "to timeout", "SECONDS", "to read a request, and to write to a client; default 60")
	f.named(&o.healthAddress, "health-addr", "HOST:PORT|unix:PATH", "listener for /livez and /readyz alone, without keys")
	f.each("grace", "SECONDS", "after a signal, to serve on while not ready any more; default 5 with --health-addr, else 0", o.setGrace)
	f.seconds(&o.drainTimeout, "drain-timeout", "SECONDS", "for running requests at the end; default 30")
	f.seconds(&o.stuckAfter, "stuck-after", "SECONDS", "then a decode counts as stuck, /health is 503; default 30")
	f.number(&o.tpotMs, "tpot-ms", "MS", "between two tokens of a stream at most: prompts wait for it; a request may want less by the header x-slo-tpot-ms; default 0: none")
	o.pacing.define(f)
	f.whole(&o.backgroundQuota, "background-quota", "PERCENT", "of the processors' time, at most, for logs, for traces, and for metrics and the page, each; 100: no bound; default 10")
	o.drafts.define(f)
	f.text(&o.gcTune, "gc-tune", "auto|article|off", "what steers Go's garbage collector, unless GOGC and GOMEMLIMIT do; default auto")
	f.text(&o.logLevel, "log-level", "LEVEL", "debug, info, warn or error; default info")
	f.named(&o.accessFile, "access-log", "FILE|-", "a line of JSON for each request, -: to standard output; SIGHUP opens the file again, instead of ending the server")
	f.seconds(&o.flight, "flight", "SECONDS", "that /debug/flight shows of goroutines and requests, as a trace for ui.perfetto.dev; what had no processor for 100 ms is logged then; on our toolchain; default: off")
	f.text(&o.metricNames, "metric-names", "all|own", "names in /metrics: all has vLLM's, which inference gateways look for, and llama-server's beside our own; default all")
	f.truth(&o.verbose, "v verbose log-verbose", "as --log-level debug")
	f.each("lv verbosity log-verbosity", "N", "the same as a number, from 1 for error to 4 for debug", o.setVerbosity)
	f.truth(&o.llama.logDisabled, "log-disable", "as --log-level error")
	o.llama.defineServer(f)
	f.section("Defaults of requests")
	f.whole(&o.predict, "n predict n-predict", "N", "max_tokens where a client gives none; default -1: up to the context")
	f.number(&o.temperature, "temp temperature", "X", "0: the likeliest token; default 0.8")
	f.whole(&o.topK, "top-k", "N", "0: all; default 40")
	f.number(&o.topP, "top-p", "X", "1: all; default 0.95")
	f.number(&o.minP, "min-p", "X", "0: all; default 0.05")
	f.whole(&o.seed, "s seed", "N", "-1: a new one for each request; default -1")
	f.named(&o.template, "chat-template", "JINJA|NAME", "chat template instead of the model's, or the name of one")
	f.named(&o.templateFile, "chat-template-file", "FILE", "file with it")
	o.llama.defineChat(f)
	o.llama.defineSampling(f)
	if err := o.parse(f, args, out); err != nil {
		return o, err
	}
	if err := errors.Join(o.readVertex(), o.check()); err != nil {
		return o, usageError{err}
	}
	return o, o.readFiles()
}

// defineModel adds the flags of the model and its engine.
func (o *options) defineModel(f *flagSet) {
	f.section("Model")
	f.text(&o.model, "m model", "FILE", "GGUF file to serve (required)")
	f.named(&o.alias, "a alias", "NAME", "the model's name in the API, the first in order of several, between commas; default: the file's without .gguf")
	f.truth(&o.strictModel, "strict-model", "refuse requests for a model of another name; default: any name gets this one")
	f.whole(&o.contextTokens, "c ctx-size", "N", "context in tokens, shared by -np sequences; 0: the model's for each, within bounds")
	f.whole(&o.parallel, "np parallel", "N", "sequences decoded together; default 4")
	f.whole(&o.batchTokens, "b batch-size", "N", "tokens of a decode at most; default 2048")
	f.whole(&o.microBatchTokens, "ub ubatch-size", "N", "tokens computed at once; default 512")
	f.whole(&o.threads, "t threads", "N", "engine threads; default: cores less one, more is far slower; "+threadsHelp)
	f.whole(&o.batchThreads, "tb threads-batch", "N", "engine threads for prompts; default: as -t")
	f.each("fa flash-attn", "on|off|auto", "flash attention; default auto: on, but on a CPU for heads whose size it is slow with", o.setFlashAttention)
	f.truth(&o.fixedShape, "fixed-shape", "compute an answer in the same bits whatever runs beside it and whatever it begins with; on CPUs alone, without drafts, and slower where few streams run")
	f.text(&o.poolingName, "pooling", "KIND", "how a text's vectors become one: mean, cls, last or rank, or none; default: the model's own, else last")
	f.each("rerank reranking", "", "as --pooling rank: the model is a reranker", func(string) error {
		o.poolingName = "rank"
		return nil
	})
	f.each("ngl gpu-layers n-gpu-layers", "N|all|auto", "layers on the GPU, if the library has one; default: all", o.setLayers)
	f.truth(&o.noVerify, "no-verify", "load the model without trying it in a child process first")
	f.truth(&o.noRepack, "nr no-repack", "leave weights in the file's order; slower as a rule, and some types need it for --fixed-shape")
	f.truth(&o.noMemoryMap, "no-mmap", "read the model instead of mapping it")
	f.truth(&o.lockMemory, "mlock", "keep the model from being swapped out")
	f.each("lm load-mode", "MODE", "mmap, none, mlock or mmap+mlock: both in one; default mmap", o.setLoadMode)
	f.named(&o.library, "llama-lib", "DIR", "directory of the engine library; default: LLAMA_LIB or build/engine")
}

// check reports the first flag out of range.
func (o *options) check() error {
	if o.model == "" {
		return fmt.Errorf("serve: no model given: pass a GGUF file with -m; `make models` makes small ones")
	}
	o.takeDefaults()
	for _, f := range []struct {
		name            string
		value, low, top int
	}{
		{"-np", o.parallel, 1, 256},
		{"-c", o.contextTokens, 0, math.MaxInt32 / 2}, // positions are an int32
		{"-b", o.batchTokens, 1, 1 << 20},
		{"-ub", o.microBatchTokens, 1, 1 << 20},
		{"-t", o.threads, 0, 1024},
		{"-tb", o.batchThreads, 0, 1024},
		{"-ngl", o.gpuLayers, -1, 1 << 20},
		{"--port", o.port, 0, 65535},
		{"--queue", o.queue, 1, 1 << 20},
		{"--request-memory", o.requestMemory, 0, 1 << 20},
		{"--background-quota", o.backgroundQuota, 1, noQuota},
		{"-n", o.predict, -1, 1 << 30},
		{"--top-k", o.topK, 0, 1 << 30},
	} {
		if f.value < f.low || f.value > f.top {
			return fmt.Errorf("serve: %s is %d: give a number from %d to %d", f.name, f.value, f.low, f.top)
		}
	}
	if o.contextTokens > 0 && o.contextTokens < o.parallel {
		return fmt.Errorf("serve: -c is %d: that is less than a token for each of -np %d sequences: give more, or 0", o.contextTokens, o.parallel)
	}
	for _, f := range []struct {
		name       string
		value, top float64
	}{{"--temp", o.temperature, 2}, {"--top-p", o.topP, 1}, {"--min-p", o.minP, 1}, {"--tpot-ms", o.tpotMs, ask.MaxTPOTNs / 1e6}} {
		if !(f.value >= 0 && f.value <= f.top) {
			return fmt.Errorf("serve: %s is %v: give a number from 0 to %v", f.name, f.value, f.top)
		}
	}
	if err := errors.Join(o.takeKeys(), o.readHosts(), o.checkTuning(), o.pacing.check(), o.drafts.check(), o.cache.check(), o.llama.check(), o.checkShape()); err != nil {
		return err
	}
	transport, err := chooseTransport(o.io)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	o.transport = transport
	if o.pooling, err = poolingOf(o.poolingName); err != nil {
		return err
	}
	if o.origins, err = front.ParseOrigins(o.corsOrigins); err != nil {
		return fmt.Errorf("serve: --cors-origins: %w", err)
	}
	if o.template != "" && o.templateFile != "" {
		return fmt.Errorf("serve: both --chat-template and --chat-template-file: give one")
	}
	if o.template, err = named(o.template); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return fmt.Errorf("serve: --log-level is %q: give debug, info, warn or error", o.logLevel)
	}
	if o.metricNames != "all" && o.metricNames != "own" {
		return fmt.Errorf("serve: --metric-names is %q: give all or own", o.metricNames)
	}
	if o.alias == "" {
		o.alias = strings.TrimSuffix(filepath.Base(o.model), ".gguf")
	}
	return o.takeSampling()
}

// takeSampling takes the steps of sampling of those who say nothing of them.
func (o *options) takeSampling() error {
	o.sampling = ask.Sampling{Temperature: float32(o.temperature), TopK: o.topK, TopP: float32(o.topP), MinP: float32(o.minP)}
	if err := o.llama.steps(&o.sampling); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	// 0 would leave the step out; the likeliest token alone is meant, as in requests.
	for _, p := range []*float32{&o.sampling.TopP, &o.sampling.TypicalP} {
		*p = max(*p, math.SmallestNonzeroFloat32)
	}
	return nil
}

// maxTemplateBytes is far above any template there is.
const maxTemplateBytes = 1 << 20

// tpot is the objective for the time between two tokens, 0 for none.
func (o *options) tpot() time.Duration { return time.Duration(o.tpotMs * float64(time.Millisecond)) }

// readFiles reads the files that flags name.
func (o *options) readFiles() (err error) {
	if o.tls, err = tlsConfig(o.certificate, o.tlsKey); err != nil {
		return err
	}
	if o.templateFile != "" {
		source, err := readSmall(o.templateFile, maxTemplateBytes)
		if err != nil {
			return fmt.Errorf("serve: read chat template: %w", err)
		}
		o.template = string(source)
	}
	if dir := o.llama.slotDir; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("serve: --slot-save-path is %s, which is no directory: make it first", dir)
		}
	}
	if o.routes, err = o.llama.front(); err != nil {
		return err
	}
	o.routes.Verbose = o.verbose
	if err := o.readKeys(); err != nil || !o.asksForKeys() || len(o.corsOrigins) > 0 {
		return err
	}
	// A page has to bring a key as everybody else, and no browser sends one by
	// itself.
	o.origins, err = front.ParseOrigins([]string{"*"})
	return err
}

func readSmall(path string, limitBytes int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limitBytes+1))
	if err == nil && int64(len(content)) > limitBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, limitBytes)
	}
	return content, err
}

// level is how much is logged.
func (o *options) level() (level slog.Level) {
	if o.verbose {
		return slog.LevelDebug
	}
	if o.llama.logDisabled {
		return slog.LevelError
	}
	_ = level.UnmarshalText([]byte(o.logLevel)) // checked
	return level
}

// defaults returns what requests leave out.
func (o *options) defaults() openai.Defaults {
	return openai.Defaults{
		Sampling:  o.sampling,
		Seed:      int64(o.seed),
		MaxTokens: o.predict,
		Keep:      o.llama.slotDir != "", // what is saved has to be there
		Shift:     ask.Shift{Keep: o.llama.keep},
		Drafts:    o.drafts.told(),
	}
}

// What requests may hold together by default: as much as package front says,
// where that is no more than an eighth of what the machine has left beside the
// model.
const (
	mostRequestMemory  = 96 << 20
	leastRequestMemory = 24 << 20
)

// requestMemoryBytes is asked for when the model is loaded.
func (o *options) requestMemoryBytes() int64 {
	if o.requestMemory > 0 {
		return int64(o.requestMemory) << 20
	}
	available, ok := memoryAvailable()
	if !ok {
		return mostRequestMemory
	}
	return int64(max(leastRequestMemory, min(mostRequestMemory, available/8)))
}

// defaultContextTokens bounds the context where -c leaves it to the model:
// models trained on 128 Ki tokens would take the memory of the machine.
const defaultContextTokens = 32 << 10

// context returns the sizes of the engine's context for a model.
func (o *options) context(info engine.Info) engine.ContextConfig {
	tokens := o.contextTokens
	if tokens == 0 {
		tokens = min(info.TrainedContext*o.parallel, max(info.TrainedContext, defaultContextTokens))
	}
	return engine.ContextConfig{
		ContextTokens:    tokens,
		MaxSequences:     o.parallel,
		BatchTokens:      o.batchTokens,
		MicroBatchTokens: o.microBatchTokens,
		Threads:          o.threads,
		BatchThreads:     o.batchThreads,
		FlashAttention:   o.flashAttention,
		Decoding:         o.cores.decoding,
		FixedShape:       o.fixedShape,
	}
}
