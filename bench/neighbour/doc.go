// Package neighbour declares a bar on goroutines of no group: what they lose when
// a group exists in their process, idle or at work, and what short requests cost
// the server that has such groups.
//
// measure/ is its command.
package neighbour
