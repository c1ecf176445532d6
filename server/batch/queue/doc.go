// Package queue says who is served next: requests of several tiers, keys and flows
// share one engine by the tokens that it computes for them.
//
// # Model
//
// A request waits in a [Queue] as a [Ticket], runs, and leaves; one that is evicted
// returns to the head of its flow. Three levels decide who comes next:
//
//	tier  priority before standard before background. A lower tier with work keeps
//	      5 % of the tokens all the same: what it is short of is owed to it, and
//	      while it is, it comes first
//	key   deficit round robin on tokens, by the keys' weights
//	flow  the same among the flows of a key, alike
//
// and within a flow what is due first, and then the order of arrival. A request without key and flow is of the
// one that has no name: where all are, they are served as they come.
//
// A ticket that is taken is charged at once for what is to be computed: what is left
// of its prompt, and as long an answer as its key's are on average. What is computed
// beyond that is charged as it comes, and what is not is given back at the end: so
// neither many requests at once nor long answers take more than their share. Tokens
// are charged once: one that was evicted and is computed again is not charged again.
// A debt outlives its requests, until the rounds that others take have paid it off.
//
// A [Room] bounds what waits, by number and by tokens, and says when there will be
// room again. It is asked before a request goes to the goroutine that owns the
// queue, by whoever has one.
//
//	q := queue.New[*job]()
//	ticket := &queue.Ticket[*job]{Value: j, Source: queue.Source{Key: "acme", Weight: 3}, Prompt: 100, Answer: 500}
//	q.Push(ticket)
//	...
//	for t := range q.InOrder() {
//		if fits(t.Value) {
//			q.Take(t, 0)
//			break
//		}
//	}
//	...
//	q.Computed(ticket, 100) // after a step: so many of its tokens are
//	...
//	q.Leave(ticket)
//
// Deficit round robin: M. Shreedhar and G. Varghese, Efficient fair queueing using
// deficit round robin, SIGCOMM 1995. That a key's work is charged as it is computed:
// Y. Sheng et al., Fairness in serving large language models, OSDI 2024.
//
// # Limits
//
// A Queue belongs to one goroutine; a Room is safe for concurrent use. A key that has
// nothing waiting saves nothing up. Shares hold among those that have something
// waiting, up to what their running requests are charged beyond what was estimated.
// At most [MaxDebtors] keys of a tier that have no requests are remembered for their
// debt. What a request costs grows with the keys that have some, and not with those.
package queue
