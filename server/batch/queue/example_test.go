package queue_test

import (
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/queue"
)

func Example() {
	q := queue.New[string]()
	for _, t := range []*queue.Ticket[string]{
		{Value: "nightly report", Source: queue.Source{Tier: ask.TierBackground}, Prompt: 500},
		{Value: "a first question", Source: queue.Source{Key: "a"}, Prompt: 100},
		{Value: "a second question", Source: queue.Source{Key: "a"}, Prompt: 100},
		{Value: "somebody else's", Source: queue.Source{Key: "b"}, Prompt: 100},
	} {
		q.Push(t)
	}
	for q.Len() > 0 {
		for t := range q.InOrder() {
			q.Take(t, 0)
			fmt.Println(t.Value)
			break
		}
	}
	// Output:
	// a first question
	// somebody else's
	// a second question
	// nightly report
}
