// Package cooperative declares a comparison of two ways to keep CPU-bound
// goroutines from holding up one that answers people: a class, and Gosched in
// every loop.
//
// measure/ is its command.
package cooperative
