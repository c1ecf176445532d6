package record_test

import (
	"fmt"

	"github.com/weirgo/weir/sched/record"
)

// A goroutine that something made ready at 10 ns, that ran from 15 on, and waits
// since 40.
func ExampleAttribute() {
	records := []record.Record{
		{Time: 10, G: 7, Event: record.Ready},
		{Time: 15, G: 7, Event: record.Run, Arg: 5},
		{Time: 30, G: 1, Event: record.STWStart},
		{Time: 31, G: 7, Event: record.Preempt},
		{Time: 34, G: 1, Event: record.STWEnd},
		{Time: 35, G: 7, Event: record.Run, Arg: 4},
		{Time: 40, G: 7, Event: record.Park, Reason: 2},
	}
	parts := record.Attribute(records, 7, 10, 50)
	for state := record.Unknown; state <= record.Parked; state++ {
		if d := parts.Of(state); d > 0 {
			fmt.Println(state, d)
		}
	}
	fmt.Println("together", parts.Total())
	// Output:
	// running 21ns
	// ready 5ns
	// preempted 1ns
	// stopped world 3ns
	// parked 10ns
	// together 40ns
}
