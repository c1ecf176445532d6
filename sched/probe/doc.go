// Package probe watches the Go scheduler of a running process from outside, with BPF:
// what its goroutines do, how long they wait, for how long the world stands, and what
// the kernel takes from the threads that run them.
//
//	p, err := probe.Attach(pid, probe.Config{})
//	if err != nil {
//		return err // says what to do
//	}
//	defer p.Close()
//	before, err := p.Read()
//	...
//	now, err := p.Read()
//	for _, g := range now.Sub(before).Groups {
//		fmt.Println(g.Name, g.Runs, g.Wait.Quantile(0.99))
//	}
//
// # Model
//
// Programs that our toolchain builds have probe points: functions of the runtime that
// begin with a nop of 5 bytes, and that it calls with a goroutine's id, its group and
// its P while a semaphore in its data is not 0. The kernel counts that up for each
// point that somebody attaches to, and down when they are gone.
//
//	the process                      the kernel                             here
//	───────────                      ──────────                             ────
//	schedprobeStart, Ready, Run,     weir_goroutine: state of the          ┐
//	Preempt, Park, Exit,        ───► goroutine, counters and histograms    │
//	SyscallEnter, SyscallExit        of its group, what the thread runs    │
//	schedprobeGC, STWStart, STWEnd ► weir_world: cycles, stops             ├► Read
//	                                                                       │
//	                     sched_switch ► weir_switch: what a thread ran     │
//	                                    when it left its processor, and    │
//	                                    for how long it was away           ┘
//
// Nothing is sent for an event: programs add to tables in the kernel, and Read reads
// those. So what a program does costs what it costs, and nobody who is slow loses
// anything. Counters are kept for each processor and group; waits are in histograms
// of powers of 2.
//
// A thread that leaves its processor is stolen, if it could run on, or asleep; and it
// ran a goroutine, was in a goroutine's call, or in the scheduler. A goroutine that is
// stolen counts as running for Go: that is what no profile of the process itself shows.
//
// # Names
//
// Groups have the names that the runtime's table has, read from the process's memory.
// What the table is like is what the program's debugging information says; without
// (-ldflags=-w), groups have numbers alone.
//
// # What it needs
//
// Linux 5.18 on amd64, with BTF, and root or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE.
// The program keeps its symbols (no -ldflags=-s). Where the kernel attaches many points
// at once (6.6) it takes a moment; before, some hundredths of a second for each. Each
// error says what to do, and wraps one of ErrNoProcess and its like.
//
// # Limits
//
// Goroutines that have not moved since Attach are not seen, and neither are the
// collector's own. A group's id may be given to another group: counters go on. Times
// in a state count when it ends. A call that is over before its P is taken away
// counts as running. Counters are read one after the other: between two of them
// something may have happened. Plugins and C programs with Go in a library are not
// watched: the points of the program itself are.
package probe
