package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/weirgo/weir/ggroup"
)

// holdReload has SIGHUP do nothing, not even end the process, until there is a server:
// it may mean a file that is read then anyway. It needs no thread.
func holdReload() { signal.Ignore(syscall.SIGHUP) }

// reloads reports whether SIGHUP means files that are read or opened again.
func (o *options) reloads() bool {
	return o.tenants != nil || o.accessFile != "" && o.accessFile != "-"
}

// reloadOnHangUp reads the key file and opens the access log again whenever SIGHUP
// comes, also under nohup, and once at first, for what came before; group is where.
// Without either it does nothing. The signal does nothing any more when stop has returned.
func (o *options) reloadOnHangUp(group *ggroup.Group, log *slog.Logger) (stop func()) {
	if !o.reloads() {
		return func() {}
	}
	signals, over := make(chan os.Signal, 1), make(chan struct{}) // two at once are one
	signal.Notify(signals, syscall.SIGHUP)
	o.reload(log)
	ggroup.BindTo(group, func() {
		defer close(over)
		for range signals {
			o.reload(log)
		}
	})
	return func() {
		holdReload()
		signal.Stop(signals)
		close(signals)
		<-over
	}
}

// reload reads and opens files again, and says what came of it.
func (o *options) reload(log *slog.Logger) {
	if o.access != nil {
		if err := o.access.Reopen(); err != nil {
			log.Error("access log not opened again, it goes on in the file before", "error", err)
		} else {
			log.Info("access log opened", "path", o.accessFile)
		}
	}
	if o.tenants == nil {
		return
	}
	if err := o.tenants.Reload(); err != nil {
		log.Error("keys not read again, those that were there are in force", "error", err)
		return
	}
	log.Info("keys in force", "path", o.tenants.Path(), "keys", len(o.tenants.Table().All()))
	if o.tenants.Exposed() {
		log.Warn("every user of this machine may read the key file: chmod o-r "+o.tenants.Path(), "path", o.tenants.Path())
	}
}
