// Command shared is a library for C.
package main

import "C"

import (
	"fmt"
	"os"

	"github.com/weirgo/weir/ggroup/testdata/buildmode/kinds"
)

// weir_groups returns 0 if all went well.
//
//export weir_groups
func weir_groups() C.int {
	if err := kinds.Groups(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func main() {}
