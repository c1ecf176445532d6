package stage

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// hangAfter is how long a scene may take before it counts as one that hangs.
const hangAfter = 4 * time.Minute

// Main is the main function of a program: scenes with the shapes given, or
// with those of this package, until the time is over. It does not return if
// something is wrong.
func Main(shapes ...Shape) {
	length := flag.Duration("for", 10*time.Second, "how long; at least one scene")
	scenes := flag.Int("scenes", 0, "how many scenes instead")
	players := flag.Int("players", 120, "most players of a scene; 0: volleys only")
	seed := flag.Uint64("seed", 1, "seed of everything but the order of events")
	flag.Parse()
	if len(shapes) == 0 {
		shapes = frames
	}
	debug.SetTraceback("all")
	openC()
	s := &Stage{seed: *seed, shapes: shapes, playersMax: *players}
	dice := rand.New(rand.NewPCG(*seed, 0))
	end := time.Now().Add(*length)
	played := 0
	for played == 0 || played < *scenes || *scenes == 0 && time.Now().Before(end) {
		hang := time.AfterFunc(hangAfter, func() { panic("soak: hangs") })
		s.scene(dice)
		hang.Stop()
		played++
	}
	s.settle()
	fmt.Printf("%s seed %d: %d scenes, %d players, %d objects, %d watched, %d cycles\n",
		runtime.Version(), *seed, played, s.performed, s.ids.Load(), s.ended, collections())
}

// Fail ends the program: something was lost.
func Fail(format string, args ...any) {
	var text strings.Builder
	fmt.Fprintf(&text, "soak: "+format+"\n", args...)
	stack := make([]byte, 1<<14)
	text.Write(stack[:runtime.Stack(stack, false)])
	os.Stderr.WriteString(text.String())
	os.Exit(1)
}
