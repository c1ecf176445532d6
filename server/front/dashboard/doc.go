// Package dashboard is a dashboard for Grafana over what /metrics shows: weir.json,
// to be imported there (Dashboards, New, Import). It asks which Prometheus to read.
//
//	[Traffic]         requests, tokens, generations, how they end
//	[Latency]         to the first token, between two, of all; queue, prompt
//	[Engine]          steps, caches, trouble, memory of requests
//	[Keys and tiers]  tokens, requests in flight, refusals
//	[Process]         groups of goroutines: waits, time, quota; memory
//
// [JSON] is the file, for who wants to write it out. A test of the whole house holds
// each of its expressions against what a server shows that has answered something.
package dashboard

import _ "embed"

// JSON is the dashboard.
//
//go:embed weir.json
var JSON []byte
