// Command plugin is a plugin of command host.
package main

import "github.com/weirgo/weir/ggroup/testdata/buildmode/kinds"

// Groups is what the host looks up.
func Groups() error { return kinds.Groups() }

func main() {}
