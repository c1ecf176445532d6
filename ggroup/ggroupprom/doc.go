// Package ggroupprom shows groups of goroutines to Prometheus.
//
// A [Collector] reports all groups that are open when it is scraped, one
// series for each, labelled with the group's name; groups of one name are
// added up. It holds no state and needs no background work.
//
//	prometheus.MustRegister(ggroupprom.NewCollector())
//
// On stock Go only the counts of goroutines and the options that are not in
// effect move; see [github.com/weirgo/weir/ggroup.Stats].
package ggroupprom
