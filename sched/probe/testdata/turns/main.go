// Turns is a program whose goroutines do what it is told, a line each, and answers each
// with a line:
//
//	turns N     two goroutines of "inference" hand something to each other, N times
//	start N     N goroutines of "monitor" begin and end
//	nap         a goroutine of "inference" is in a system call for 100 ms
//	spin        a goroutine of "monitor" computes until the runtime has preempted it
//	collect     a collection
//	park        a goroutine of "inference" waits for ever; its id
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/ggroup"
)

var (
	inference = ggroup.New("inference", ggroup.WithClass(ggroup.Latency))
	monitor   = ggroup.New("monitor", ggroup.WithClass(ggroup.Background))
)

func main() {
	runtime.GOMAXPROCS(2)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(do(lines.Text()))
	}
}

func do(line string) any {
	var command string
	var n int
	fmt.Sscan(line, &command, &n)
	switch command {
	case "turns":
		turns(n)
	case "start":
		var all sync.WaitGroup
		for range n {
			all.Add(1)
			ggroup.BindTo(monitor, all.Done)
		}
		all.Wait()
	case "nap":
		wait(inference, func() { unix.Nanosleep(&unix.Timespec{Nsec: 100e6}, nil) })
	case "spin":
		spin()
	case "collect":
		runtime.GC()
	case "park":
		id := make(chan string)
		ggroup.BindTo(inference, func() {
			id <- goid()
			select {}
		})
		return <-id
	default:
		panic(line)
	}
	return "done"
}

func wait(g *ggroup.Group, do func()) {
	done := make(chan bool)
	ggroup.BindTo(g, func() { defer close(done); do() })
	<-done
}

func turns(n int) {
	there, back := make(chan bool), make(chan bool)
	ggroup.BindTo(inference, func() {
		for range there {
			back <- true
		}
	})
	wait(inference, func() {
		for range n {
			there <- true
			<-back
		}
		close(there)
	})
}

// spin has three compute on two Ps until each has run: so one was made to stop.
func spin() {
	var stop atomic.Bool
	var ran [3]atomic.Bool
	for i := range ran {
		ggroup.BindTo(monitor, func() {
			for !stop.Load() {
				ran[i].Store(true)
			}
		})
	}
	for i := range ran {
		for !ran[i].Load() {
			time.Sleep(time.Millisecond)
		}
	}
	stop.Store(true)
}

// goid is the calling goroutine's id, out of its traceback.
func goid() string {
	text := make([]byte, 64)
	return strings.Fields(string(text[:runtime.Stack(text, false)]))[1]
}
