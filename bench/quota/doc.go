// Package quota declares a bar on the server under a CPU quota of its control group,
// beside programs that want all processors: what it makes of the time that it has, and
// how soon it follows a change.
//
// measure/ is its command.
package quota
