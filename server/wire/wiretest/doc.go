// Package wiretest compares what dialects and the front write with files, for
// their tests.
//
// The files lie in the testdata of the package that is tested; go test -rewrite
// writes them anew.
package wiretest
