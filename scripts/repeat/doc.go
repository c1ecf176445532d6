// Command repeat runs every package's tests many times and names what failed
// when: the tests that fail once in a hundred runs, on a busy machine, or in
// an unlucky order.
//
//	go run ./scripts/repeat -n 20                  # all packages
//	go run ./scripts/repeat -n 5 -short ./server/...
//	go run ./scripts/repeat -n 1 -toolchain=ours -load=hogs
//
// # Model
//
// Tests are compiled once a package and toolchain, stock Go and ours, and then
// run round by round, several packages at a time, each in its own folder and
// shuffled by a seed that the round names. There are two loads: idle, with
// nothing else to run, and hogs, with one busy process a core beside them.
//
// A failure is told at once, in one line with toolchain, load, round, package,
// tests and seed; its output stays in a file under build/repeat, with the command
// that runs it again in that order. At the end there is one line for each toolchain
// and load, and times.txt there lists how long the packages took. The exit
// status is 1 if anything failed.
//
// # Limits
//
// A test that does not end is killed by its own timeout, and a process that
// cannot even do that by this program. Hogs end with it, even if it is killed:
// they hold the reading end of its pipe.
package main
