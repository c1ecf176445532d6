package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/ggroup/ggroupprom"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/internal/version"
)

func serveCommand(args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stdout)
	if err != nil {
		return err
	}
	unblock(stdout, stderr)
	log, err := o.openLogging(stderr)
	if err != nil {
		return fmt.Errorf("serve: open log: %w", err)
	}
	defer log.close()
	for _, note := range o.llama.notes {
		log.Warn(note)
	}
	end := &ending{log: log, exit: os.Exit, signals: firstSignal}
	if o.reloads() {
		end.signals = endSignal
		holdReload()
	}
	defer end.done()
	if err := o.openRecorders(log); err != nil {
		return log.fail(err)
	}
	defer o.recorders.close()
	return log.fail(serve(&o, log, end, loadModel))
}

// serve runs until a signal comes and everything is closed again. load is loadModel.
// Until there is something to drain, signals have their default effect: it needs no
// thread, of which there may be no new ones while C opens a library.
func serve(o *options, log *logging, end *ending,
	load func(context.Context, *options, *slog.Logger) (engine.Model, string, error),
) (err error) {
	ctx := context.Background()
	if o.cores, err = shareCores(o); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer func() { err = errors.Join(err, o.cores.close()) }()
	all, err := listen(ctx, o, log.Logger)
	if err != nil {
		return err
	}
	health, err := o.startProbes(ctx, log.Logger)
	if err != nil {
		return errors.Join(err, all.close())
	}
	defer func() { err = errors.Join(err, health.close()) }()
	server := startHTTP(all, o, log.Logger)
	defer server.Close()
	model, libraryVersion, err := load(ctx, o, log.Logger)
	if err != nil {
		return err
	}
	ctx, drafts, closeModels, err := watchModels(ctx, o, model, log.Logger)
	defer func() { err = errors.Join(err, closeModels()) }()
	if err != nil {
		return err
	}
	groups, err := openGroups(o.backgroundQuota)
	if err != nil {
		return err
	}
	defer func() {
		// The kernel frees as well what there is no time for.
		end.at(step{"the memory of the model", closeLimit, exitDone})
		err = errors.Join(err, groups.close())
	}()
	template, err := chatTemplate(o, model, log.Logger)
	if err != nil {
		return err
	}
	generator, err := local.New(model, local.Config{
		ID: o.alias, Template: template, Context: o.context(model.Info()), SlotDir: o.llama.slotDir, SleepAfter: o.llama.sleepAfter, Batching: o.batching(groups.inference, drafts, log.Logger), Background: groups.background,
	})
	if err != nil {
		return fmt.Errorf("serve: start batching: %w", err)
	}
	defer func() { err = errors.Join(err, generator.Close()) }()
	steering, stop, err := o.steer(ctx, model, generator, log.Logger)
	if err != nil {
		return err
	}
	defer stop()
	handler, err := front.New(o.front(generator, groups, libraryVersion, log.Logger, append(steering, log.dropped())...))
	if err != nil {
		return err
	}
	defer handler.Close()
	server.handle(handler) // before it is said: who hears it may ask at once
	health.generator.Store(generator)
	end.at(step{"draining", o.graceTime() + o.drainTimeout + hardLimit, exitFailed})
	ctx, release := end.listen(ctx)
	defer release()
	defer o.reloadOnHangUp(groups.service, log.Logger)()
	announce(all, model, generator.Limits(), o, log.Logger)
	err = server.run(health.until(ctx), handler, generator, stages{o.graceTime(), o.drainTimeout}, log.Logger)
	end.begin() // of itself, if it was not asked to
	end.at(step{"a decode, to close the engine", closeLimit, exitFailed})
	return err
}

// batching is how requests share the engine.
func (o *options) batching(group *ggroup.Group, drafts engine.Model, log *slog.Logger) local.Batching {
	return local.Batching{
		MaxSequences: o.parallel, QueueLimit: o.queue, StuckAfter: o.stuckAfter, Pooling: o.pooling,
		TPOT: o.tpot(), PrefillTokens: o.pacing.prefillTokens, PromptShare: o.pacing.share(),
		Draft: o.drafts.config(), DraftModel: drafts,
		NoPrefixCache: o.llama.noCachePrompt, PrefixPerTenant: o.cachePerKey,
		CacheBytes: o.cache.ramBytes(), CacheDir: o.cache.dir, CacheDiskBytes: o.cache.diskLimit << 20,
		ContextShift: o.llama.contextShift,
		Group:        group, Log: log,
	}
}

// front is what the API is served with; collectors are for its metrics.
func (o *options) front(generator *local.Generator, groups groups, libraryVersion string, log *slog.Logger, collectors ...prometheus.Collector) front.Config {
	cfg := front.Config{
		Generator: generator, Fingerprint: "build-weir-" + version.Weir + "-llama-" + libraryVersion,
		StrictModel: o.strictModel, Llama: o.routes, Vertex: o.vertex, Origins: o.origins, Page: o.page(),
		Defaults: o.defaults(), Keys: o.keys, Tenants: o.tenants, WriteTimeout: o.timeout, MemoryBytes: o.requestMemoryBytes(),
		Streams: fanout.Config{Backend: o.transport.backend, Log: log}, Log: log,
		Group: groups.inference, Background: groups.background, Service: groups.service,
		OwnMetricNames: o.metricNames == "own", Recorders: o.recorders.all, Slow: o.recorders.slow,
		Collectors: slices.Concat(o.recorders.metrics, []prometheus.Collector{generator.Collector(), ggroupprom.NewCollector()}, collectors),
	}
	if f := o.recorders.flight; f != nil {
		cfg.Flight, cfg.Scheduler = f, f.Of(generator.Goroutine)
	}
	return cfg
}

// openLibrary opens the engine library in dir, or where it is to be found.
func openLibrary(dir string, log *slog.Logger) (*llama.Library, error) {
	if dir == "" {
		var err error
		if dir, err = llama.FindLibrary(); err != nil {
			return nil, err
		}
	}
	return llama.Open(dir, log)
}

// loadModel returns the model, and the release of the library that it runs on.
func loadModel(ctx context.Context, o *options, log *slog.Logger) (engine.Model, string, error) {
	return loadFile(ctx, o, o.model, o.gpuLayers, log)
}

// loadFile returns the model of a file, with so many layers on the GPU.
func loadFile(ctx context.Context, o *options, path string, gpuLayers int, log *slog.Logger) (engine.Model, string, error) {
	library, err := openLibrary(o.library, log)
	if err != nil {
		return nil, "", err
	}
	begin, load := time.Now(), loadVerified
	if o.noVerify {
		load = loadUnverified
	}
	model, err := load(ctx, library, path, engine.ModelConfig{
		GPULayers: gpuLayers, NoRepack: o.noRepack, NoMemoryMap: o.noMemoryMap, LockMemory: o.lockMemory,
		Tokenizers: llama.SpareCores(max(o.threads, o.batchThreads)), Tokenizing: o.cores.tokenizing,
	}, log)
	if err != nil {
		return nil, "", fmt.Errorf("serve: %w", err)
	}
	log.Info("model loaded", "path", path, "description", model.Info().Description,
		"duration", time.Since(begin).Round(time.Millisecond))
	return model, library.Version(), nil
}

// chatTemplate compiles the operator's chat template, which must work, or the
// model's, without which everything but chats is served.
func chatTemplate(o *options, model engine.Model, log *slog.Logger) (*chat.Template, error) {
	info := model.Info()
	name := func(t engine.Token) string {
		if t < 0 {
			return ""
		}
		return string(model.AppendPiece(nil, t, true))
	}
	source := o.template
	if source == "" {
		source = info.ChatTemplate
	}
	template, err := chat.New(source, name(info.BOS), name(info.EOS))
	if err != nil && o.template != "" {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if err != nil {
		log.Warn("chat completions are off: pass a template with --chat-template-file", "error", err)
		return nil, nil
	}
	return template, nil
}

// announce says that all is there. The last line names the first listener, those before
// it the others.
func announce(all listeners, model engine.Model, limits engine.Limits, o *options, log *slog.Logger) {
	for _, l := range all {
		address := l.Addr().String()
		if !o.asksForKeys() && !onMachine(l) {
			log.Warn("everybody who reaches this address may use it: set --api-key", "address", address)
		}
		if whom := reach(l, o.several()); whom != "" {
			log.Info("listening on all addresses", "address", address, "reach", whom)
		}
	}
	for _, l := range all[1:] {
		log.Info("listening as well", "url", o.urlOf(l))
	}
	o.cores.say(o, log) // not before it is known that there is a server
	sayMissing(log)
	log.Info("serving", "url", o.urlOf(all[0]), "model", o.alias,
		"parallel", limits.MaxSequences, "context_tokens", limits.ContextTokens, "sequence_tokens", limits.SequenceTokens,
		"threads", limits.Threads, "io", o.transport.inUse(), "vocab", model.Info().VocabSize, "version", version.Weir, "toolchain", version.Toolchain())
}

// urlOf is how a listener is asked for; of a socket, where it is.
func (o *options) urlOf(l net.Listener) string {
	switch address := l.Addr(); {
	case address.Network() == "unix":
		return "unix:" + address.String()
	case o.tls != nil:
		return "https://" + address.String()
	default:
		return "http://" + address.String()
	}
}
