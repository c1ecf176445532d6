// Command plugin is a plugin of command host.
package main

import "github.com/weirgo/weir/ggroup/testdata/buildmode/work"

// Groups is what the host looks up.
func Groups() error { return work.Groups() }

func main() {}
