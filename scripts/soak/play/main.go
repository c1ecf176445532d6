// Play is a random program with the frames that package stage has.
package main

import "github.com/weirgo/weir/scripts/soak/stage"

func main() { stage.Main() }
