// Soak runs random programs that check themselves, until the time is over or
// one fails. It looks for what a collector that replays recorded stacks, or a
// scheduler with groups, could get wrong: an object that is lost, a goroutine
// that does not wake up, a crash.
//
//	make soak SOAK=10m SEED=1
//
// Each run is a process: [github.com/weirgo/weir/scripts/soak/stage] with its
// own frames, or with those that [github.com/weirgo/weir/scripts/soak/source]
// wrote for the seed (with cgo where there is a C compiler). A run's seed says
// what it does and under which settings: GODEBUG with gccheckmark=1 (each cycle
// is checked by a second one, with the world stopped, that replays nothing),
// ggroupreplay=1 (recorded stacks are replayed for every goroutine),
// clobberfree=1 and others; GOGC from 1 to 100; GOMAXPROCS from 1 to 4. -build
// adds flags for the go command: -build=-race, or
// -build='-gcflags=runtime=-d=maymorestack=runtime.mayMoreStackPreempt'.
//
// What fails is told with its output, the command that repeats it, and its
// source if it was written, in build/soak. A seed repeats what a run does; when
// the scheduler does what, it decides anew.
package main
