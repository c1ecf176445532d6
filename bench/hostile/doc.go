// Package hostile declares an experiment: what streams feel while another client
// sends the worst bodies.
//
// measure/ is its command.
package hostile
