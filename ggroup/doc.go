// Package ggroup gives goroutines a group, and groups a quality of service.
//
// A [Group] is a named set of goroutines. A goroutine enters it in one of
// three ways: it is started there ([BindTo], [Group.Go]), it inherits the
// group of the goroutine whose go statement created it, or it visits the
// group for the time of one call ([Group.Do]). It leaves when it ends. The
// group's options say how the scheduler treats its goroutines:
//
//	infer := ggroup.New("infer", ggroup.WithClass(ggroup.Latency))
//	monitor := ggroup.New("monitor", ggroup.WithClass(ggroup.Background), ggroup.WithCPUQuota(0.1))
//	ggroup.BindTo(infer, serve)
//	ggroup.BindTo(monitor, scrape)
//
// # Two runtimes
//
// With weir's Go toolchain (build tag goexperiment.ggroup) the group is part
// of the goroutine and the scheduler acts on it. With stock Go the same
// program builds and runs: names, pprof labels, the life of groups and the
// counts of goroutines that this package starts work; what only a scheduler
// can do is kept and reported in [Stats.NotInEffect], never dropped in
// silence. Two limits of stock Go: goroutines begun by a go statement inside
// a group are not counted, and [Current] does not see the group inside a
// call of runtime/pprof.Do that was made inside the group.
//
// # Which option, at what cost
//
// GUIDE.md beside this file says which class is for which work, what each
// option costs the group and its neighbours, and what goes wrong easily.
//
// # Profiles
//
// Goroutines of a group carry the pprof label "ggroup" with its name, so
// that CPU and goroutine profiles can be split by group. The label takes the
// place of others that the goroutine had; [Group.Do] puts those back.
//
// Execution traces have no labels. While one is recorded (runtime/trace), BindTo, Go and
// Do log the group there, which weir trace splits scheduling latencies by; goroutines
// that were in their group before are not named.
//
// # Limits
//
// At most [MaxGroups] groups exist at once. Goroutines started by the runtime
// itself, by time.AfterFunc or by C code are in no group. The garbage
// collector's workers are not interrupted for a latency goroutine, and run on
// exclusive processors too. While a latency group or one with exclusive
// processors exists, the runtime notices that all goroutines are deadlocked
// within 10 ms, not at once.
package ggroup
