// Package c14 declares claim C14: a batch whose size follows the load against one of fixed
// size.
//
// measure/ is its command.
package c14
