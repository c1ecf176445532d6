// Package stacks declares what a collection costs that finds many goroutines
// parked: on stock Go it walks each stack again, in a group WithNoStackScan
// those alone that have run.
//
// measure/ is its command.
package stacks
