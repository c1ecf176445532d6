// Waits has goroutines of two groups that wait, and one that calls ready over and over.
package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// Answer is what a debugger is to find.
var Answer = map[string]int{"answer": 42}

//go:noinline
func ready(n int) { time.Sleep(time.Millisecond) }

//go:noinline
func park(c chan int, begun *sync.WaitGroup) {
	begun.Done()
	<-c
}

func main() {
	c := make(chan int)
	var begun sync.WaitGroup
	for _, g := range []*ggroup.Group{ggroup.New("inference", ggroup.WithClass(ggroup.Latency)), ggroup.New("monitor", ggroup.WithClass(ggroup.Background))} {
		for range 2 {
			begun.Add(1)
			ggroup.BindTo(g, func() { park(c, &begun) })
		}
	}
	begun.Wait()
	fmt.Println("waits")
	for n := 0; ; n++ {
		ready(n)
	}
}
