// Command host opens groups itself, and has a plugin do so.
package main

import (
	"fmt"
	"os"
	"plugin"

	"github.com/weirgo/weir/ggroup/testdata/buildmode/kinds"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("done")
}

func run(path string) error {
	if err := kinds.Groups(); err != nil {
		return err
	}
	p, err := plugin.Open(path)
	if err != nil {
		return err
	}
	groups, err := p.Lookup("Groups")
	if err != nil {
		return err
	}
	return groups.(func() error)()
}
