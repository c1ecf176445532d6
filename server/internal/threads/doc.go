// Package threads tells what the threads of this process have done, as the kernel
// counts it: how long each has computed, whether it wants to, and for how many pages
// it has waited. Who compares two snapshots knows a thread that computes from one that
// waits for a processor, and both from one that is blocked, which a clock does not.
//
//	before, err := threads.Read()
//	...
//	after, err := threads.Read()
//	computed := after[id].CPU - before[id].CPU
//
// [Own] tells of one thread alone how long it was ready and had no processor, to the
// nanosecond and often.
//
// # Limits
//
// Linux with /proc. A snapshot costs some ten microseconds a thread, and CPU time is
// counted in hundredths of a second. The thread that reads is not in it.
package threads
