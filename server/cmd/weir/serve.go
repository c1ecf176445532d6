package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/ggroup/ggroupprom"
	"github.com/weirgo/weir/iouring"
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
	signalled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal drains. Before that begins, signals get their default
	// effect back, so that a second one ends the process.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	context.AfterFunc(signalled, func() {
		stop()
		cancel()
	})
	log, err := o.openLogging(stderr)
	if err != nil {
		return fmt.Errorf("serve: open log: %w", err)
	}
	defer log.close()
	return log.fail(serve(ctx, &o, log))
}

// serve runs until ctx is done and everything is closed again.
func serve(ctx context.Context, o *options, log *logging) (err error) {
	listener, err := listen(ctx, o, log.Logger)
	if err != nil {
		return err
	}
	defer listener.Close() // for the ways out before the HTTP server has it
	model, library, err := loadModel(ctx, o, log.Logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency))
	if err != nil {
		return fmt.Errorf("serve: open goroutine group: %w", err)
	}
	defer func() { err = errors.Join(err, closeGroup(group)) }()
	template, err := chatTemplate(o, model, log.Logger)
	if err != nil {
		return err
	}
	generator, err := local.New(model, local.Config{
		ID: o.alias, Template: template, Context: o.context(model.Info()),
		Batching: local.Batching{MaxSequences: o.parallel, QueueLimit: o.queue, Group: group, Log: log.Logger},
	})
	if err != nil {
		return fmt.Errorf("serve: start batching: %w", err)
	}
	defer func() { err = errors.Join(err, generator.Close()) }()
	handler, err := front.New(front.Config{
		Generator:   generator,
		Fingerprint: "weir-" + version.Weir + "-llama-" + library.Version(),
		Defaults:    o.defaults(), Keys: o.keys, WriteTimeout: o.timeout,
		Streams: fanout.Config{Backend: o.transport.backend, Log: log.Logger}, Group: group, Log: log.Logger,
		Collectors: []prometheus.Collector{generator.Collector(), ggroupprom.NewCollector(), log.dropped()},
	})
	if err != nil {
		return err
	}
	defer handler.Close()
	announce(listener, model, generator.Limits(), o, log.Logger)
	return serveHTTP(ctx, listener, handler, generator, o, log.Logger)
}

// closeGroup waits for the engine goroutine, which has done its work when the
// loop is closed but may not have left the group yet.
func closeGroup(group *ggroup.Group) error {
	bound, cancel := context.WithTimeout(context.Background(), cutOffTimeout)
	defer cancel()
	return group.Shutdown(bound)
}

// listen takes the port.
func listen(ctx context.Context, o *options, log *slog.Logger) (net.Listener, error) {
	address := net.JoinHostPort(o.host, strconv.Itoa(o.port))
	listener, err := iouring.ListenContext(ctx, "tcp", address, iouring.WithBackend(o.transport.backend),
		iouring.WithIdleTimeout(idleTimeout), iouring.WithLogger(log))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("serve: listen on %s: the port is in use: stop the other program, or choose another port with --port (0: any free one)", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("serve: listen on %s: %w: choose a port above 1023 with --port", address, err)
	case err != nil:
		return nil, fmt.Errorf("serve: listen on %s: %w: check --host and --port", address, err)
	}
	return listener, nil
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

func loadModel(ctx context.Context, o *options, log *slog.Logger) (engine.Model, *llama.Library, error) {
	library, err := openLibrary(o.library, log)
	if err != nil {
		return nil, nil, err
	}
	begin := time.Now()
	model, err := library.Load(ctx, o.model, engine.ModelConfig{
		GPULayers: o.gpuLayers, NoMemoryMap: o.noMemoryMap, LockMemory: o.lockMemory,
	})
	if err != nil {
		return nil, nil, err
	}
	log.Info("model loaded", "path", o.model, "description", model.Info().Description,
		"duration", time.Since(begin).Round(time.Millisecond))
	return model, library, nil
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

func announce(listener net.Listener, model engine.Model, limits engine.Limits, o *options, log *slog.Logger) {
	if host, _, err := net.SplitHostPort(listener.Addr().String()); err == nil && len(o.keys) == 0 && !net.ParseIP(host).IsLoopback() {
		log.Warn("everybody who reaches this address may use it: set --api-key", "address", listener.Addr().String())
	}
	scheme := "http://"
	if o.tls != nil {
		scheme = "https://"
	}
	log.Info("serving", "url", scheme+listener.Addr().String(), "model", o.alias,
		"parallel", limits.MaxSequences, "context_tokens", limits.ContextTokens, "sequence_tokens", limits.SequenceTokens,
		"threads", limits.Threads, "io", o.transport.inUse(), "vocab", model.Info().VocabSize, "version", version.Weir, "toolchain", version.Toolchain())
}

// Bounds of the HTTP server.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// serveHTTP answers until ctx is done, then drains.
func serveHTTP(ctx context.Context, listener net.Listener, handler *front.Handler, generator *local.Generator, o *options, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ConnContext:       iouring.ConnContext,
		TLSConfig:         o.tls,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       o.timeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// WriteTimeout would bound whole responses; the handler bounds writes.
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true) // by ALPN, under TLS
	failed := make(chan error, 1)
	go func() {
		if o.tls != nil {
			failed <- server.ServeTLS(listener, "", "") // the certificate is in TLSConfig
		} else {
			failed <- server.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: accept connections: %w", err)
	case <-ctx.Done():
	}
	log.Info("draining", "running", generator.Stats().Active, "timeout", o.drainTimeout)
	handler.Drain()
	bound, cancel := context.WithTimeout(context.Background(), o.drainTimeout)
	defer cancel()
	err := shutDown(bound, server, handler)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("cutting off what still runs: give more time with --drain-timeout", "running", generator.Stats().Active)
		err = cutOff(server, handler, generator)
	}
	if err != nil {
		return fmt.Errorf("serve: shut down: %w", err)
	}
	log.Info("done")
	return nil
}

// cutOffTimeout is what handlers get to say goodbye to their clients.
const cutOffTimeout = 2 * time.Second

// shutDown waits for what is under way: in the HTTP server, and the streams
// that have left it.
func shutDown(ctx context.Context, server *http.Server, handler *front.Handler) error {
	if err := server.Shutdown(ctx); err != nil {
		return err
	}
	return handler.Wait(ctx)
}

// cutOff ends all generations, lets their clients be told and closes the
// connections that are left.
func cutOff(server *http.Server, handler *front.Handler, generator *local.Generator) error {
	err := generator.Close()
	bound, cancel := context.WithTimeout(context.Background(), cutOffTimeout)
	defer cancel()
	if shutDown(bound, server, handler) != nil {
		err = errors.Join(err, server.Close())
		handler.Close()
	}
	return err
}
