// Package qos declares an experiment: what clients of a higher tier feel beside a
// flood of a lower one, and how two keys share a server.
//
// measure/ is its command.
package qos
