package ggroup_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/ggroup"
)

func Example() {
	infer := ggroup.New("infer", ggroup.WithClass(ggroup.Latency))
	answer := make(chan string)
	ggroup.BindTo(infer, func() {
		answer <- "served by " + ggroup.Current().Name()
	})
	fmt.Println(<-answer)
	if err := infer.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: served by infer
}

func ExampleGroup_Do() {
	monitor := ggroup.New("monitor", ggroup.WithClass(ggroup.Background))
	defer monitor.Close()
	monitor.Do(func() { fmt.Println("inside:", ggroup.Current()) })
	fmt.Println("outside:", ggroup.Current() == nil)
	// Output:
	// inside: monitor
	// outside: true
}
