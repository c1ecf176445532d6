// Package gang declares a bar on C calls that compute: how fast they are
// beside goroutines that want every processor.
//
// measure/ is its command.
package gang
