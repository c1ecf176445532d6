// Package gctune steers the collector's two settings, GOGC and the memory limit,
// of the process that it is in: by what the collector costs, by what limits the
// process's memory, and by how full a KV cache is.
//
//	tuner, err := gctune.Start(ctx, gctune.Config{})
//	if err != nil {
//		return err
//	}
//	defer tuner.Stop()
//
// # Model
//
// About once a second the tuner looks at the process, asks a [Policy], and sets:
//
//	runtime/metrics ─┐
//	/proc, cgroups ──┼─► Observation ─► Policy ─► wish ─► guard ─► SetMemoryLimit
//	Config.Cache ────┘                                             SetGCPercent
//
// The guard is the same for all policies. The room for Go is what a limit leaves
// beside everything else that counts against it: C libraries in this process,
// other processes of its control group, the kernel's. Limits are the control
// groups that the process is in and those above them, of version 1, 2 or both, as
// far as they can be seen; Config.LimitBytes; and the machine's memory, which bounds
// more heap, but never makes collections more frequent than GOGC=100 has them. A part
// of each is kept in reserve. Lost room counts at once, new room when it has been
// there for ten looks. The memory limit is never set beyond the room, and GOGC not
// so high that its goal would be. Where Go has more than there is room for, it gives
// memory back at once.
//
// [Balanced], the default, keeps the collector at 2 % of the processors while there
// is room. [Article] follows the rules of claim C11.
//
// Limits may change, and the process may be moved to another group, while it runs;
// a limit whose files cannot be read any more stays in force.
//
// # Whose settings they are
//
// A setting that the environment or the program has chosen before is left alone,
// unless Config.Override says otherwise; a memory limit that was chosen bounds the
// room. A setting that somebody else changes while the tuner runs is theirs from
// then on. All others are what they were when the tuner ends: by Stop, which is
// deferred and so runs in a panic as well, or with its context. There is one tuner
// in a process at a time.
//
// # Limits
//
// Page cache counts as free where the kernel can drop it, unless it is mapped: a
// model's weights are to stay. Swap is not counted. Memory that Go has mapped and
// not yet touched is in no limit's account, so that the room is overestimated by it
// until it is. Between two looks, what is not Go's may outgrow the reserve: the
// kernel does not ask. If the live heap alone has no room, the memory limit cannot
// be kept; the runtime then spends half of the processors at most on trying, and
// Status.Pressed says so.
//
// Outside of Linux nothing is known of limits, and Balanced leaves GOGC as it is
// without Config.LimitBytes.
package gctune
