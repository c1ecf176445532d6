// Package record follows what the scheduler does with goroutines and groups:
// who waited how long for a processor, who starves and what ran instead, and
// where the time of one goroutine went.
//
// # Model
//
// The runtime writes a [Record] for each thing that happens to a goroutine, and
// for collections and stops of the world. A [Recorder] follows them, from when it
// was made:
//
//	runtime/schedhook ── batches ──► Recorder ─┬─► histograms of each group: Snapshot
//	                                           ├─► who waits now ─► Config.Starved
//	                                           └─► the flight: the last records
//	                                                  ├─► Explain, Timeline
//	                                                  └─► WriteTrace
//
// The flight is a ring of the last records, bounded in time and in bytes. Written
// as a trace it shows processors, groups and requests; a [Request] is a time in a
// goroutine's life that the program has given a name:
//
//	rec, err := record.New(record.Config{
//		Limit:   100 * time.Millisecond,
//		Starved: func(s record.Starved) { log.Printf("%s: g%d waits since %v", s.Name, s.G, s.Waited) },
//	})
//	...
//	q := rec.Request("a7")
//	serve()
//	q.End()
//	parts := q.Explain() // running, behind others, stopped world, parked ...
//
// [Attribute] and [Timeline] are the same for records that somebody else keeps.
//
// # Two runtimes
//
// With weir's Go toolchain (build tag goexperiment.schedhook) records come from
// package runtime/schedhook. On stock Go there are none: [Supported] says so,
// recorders stay empty, what is explained is all Unknown, and a trace cannot be
// written. What the runtime counts of the whole process, waits from ready to
// running, is in [Snapshot] on both.
//
// # Limits
//
// A goroutine that has done nothing since the recorder was made is not known,
// however long it waits: its first record tells what it did until then. Where
// records are lost, waits that were begun are forgotten, so that nobody is told of
// a wait that has ended. A group is known by its id in the runtime: one that is
// opened in a closed one's place begins its counts anew, and if it has the same
// name goes on with them. Records have no stacks: what made a goroutine wait is
// known by its id and group.
package record
