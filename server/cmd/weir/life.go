package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front/probes"
	"github.com/weirgo/weir/server/generate/local"
)

// probedGrace is the grace where nobody says one but somebody probes: about what it
// takes until everybody who sends requests has heard that they are to go elsewhere.
// Without probes there is nobody to tell, and who ends a server at a terminal does not
// want to wait.
const probedGrace = 5 * time.Second

// graceTime is how long requests are still served once the process is to end.
func (o *options) graceTime() time.Duration {
	switch {
	case o.grace >= 0:
		return o.grace
	case o.healthAddress != "":
		return probedGrace
	}
	return 0
}

// setGrace reads --grace: as other times, but 0 means none.
func (o *options) setGrace(v string) error {
	d, err := parseSeconds(v)
	if err != nil || d < 0 {
		return fmt.Errorf("not a number of seconds from 0 on")
	}
	o.grace = d
	return nil
}

// life is what probes are told of the process. It reads atomics alone.
//
//	generator  nil→the generator, when the model is loaded
//	ending     false→true, when the process is to end
type life struct {
	generator atomic.Pointer[local.Generator]
	ending    atomic.Bool

	server *probes.Server // nil: nobody is to ask
}

// live says why a new process would do better. One that loads would not, nor one that
// ends.
func (l *life) live() error {
	if g := l.generator.Load(); g != nil {
		return g.Live()
	}
	return nil
}

// ready says why requests had better go elsewhere.
func (l *life) ready() error {
	switch {
	case l.ending.Load():
		return ask.Closing()
	case l.generator.Load() == nil:
		return ask.IsLoading()
	}
	return l.live()
}

// startProbes answers probes from now on, if somebody is to ask.
func (o *options) startProbes(ctx context.Context, log *slog.Logger) (*life, error) {
	l := new(life)
	if o.healthAddress == "" {
		return l, nil
	}
	listener, err := probes.Listen(ctx, o.healthAddress)
	if err != nil {
		return nil, fmt.Errorf("serve: --health-addr: %w", err)
	}
	l.server, err = probes.Serve(listener, probes.Config{Live: l.live, Ready: l.ready, Log: log})
	if err != nil {
		return nil, fmt.Errorf("serve: --health-addr: %w", err)
	}
	log.Info("answering probes", "network", listener.Addr().Network(), "address", listener.Addr().String())
	return l, nil
}

// until is ctx; once it is done the process is to end.
func (l *life) until(ctx context.Context) context.Context {
	context.AfterFunc(ctx, func() { l.ending.Store(true) })
	return ctx
}

// close stops answering.
func (l *life) close() error {
	if l.server == nil {
		return nil
	}
	return l.server.Close()
}
