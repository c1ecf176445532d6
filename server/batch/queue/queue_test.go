package queue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// client keeps some requests in an engine of a simulation, each of so many tokens.
type client struct {
	source         Source
	inFlight       int
	prompt, answer int
	from           int // the step in which it comes
	total          int // requests, 0 for no end

	sent, over, tokens int
	orders             []int // of its requests, as they were taken
}

// request is one of them.
type request struct {
	client *client
	number int
	done   int
}

// engine is as many sequences as there are places. In each step each of them gets a
// token, or up to chunk of a prompt.
type engine struct {
	t      *testing.T
	queue  *Queue[*request]
	places int
	chunk  int
	live   []*Ticket[*request]
	random *rand.Rand
}

func newEngine(t *testing.T, places int) *engine {
	return &engine{t: t, queue: New[*request](), places: places, chunk: 32, random: rand.New(rand.NewPCG(1, 2))}
}

// run does so many steps.
func (e *engine) run(steps int, clients ...*client) {
	for step := range steps {
		for _, c := range clients {
			for step >= c.from && c.sent-c.over < c.inFlight && (c.total == 0 || c.sent < c.total) {
				e.queue.Push(&Ticket[*request]{
					Value: &request{client: c, number: c.sent}, Source: c.source, Prompt: c.prompt, Answer: 4 * c.answer,
				})
				c.sent++
			}
		}
		e.step()
	}
}

func (e *engine) step() {
	for len(e.live) < e.places {
		taken := false
		for t := range e.queue.InOrder() {
			e.queue.Take(t, 0)
			t.Value.client.orders = append(t.Value.client.orders, t.Value.number)
			e.live, taken = append(e.live, t), true
			break
		}
		if !taken {
			break
		}
	}
	e.live = slices.DeleteFunc(e.live, func(t *Ticket[*request]) bool {
		r := t.Value
		n := 1
		if r.done < r.client.prompt {
			n = min(e.chunk, r.client.prompt-r.done)
		}
		r.done += n
		r.client.tokens += n
		e.queue.Computed(t, r.done)
		// Answers differ; what is estimated of them is wrong, as a rule.
		if r.done < r.client.prompt+r.client.answer/2+(r.number*37)%(r.client.answer+1) {
			return false
		}
		e.queue.Leave(t)
		r.client.over++
		return true
	})
	e.check()
}

// check compares what the queue counts with what there is.
func (e *engine) check() {
	q := e.queue
	waiting := 0
	for t := range q.All() {
		if !t.Waiting() {
			e.t.Fatalf("%+v is among those that wait", t)
		}
		waiting++
	}
	ordered := 0
	for range q.InOrder() {
		ordered++
	}
	if waiting != q.Len() || ordered != waiting {
		e.t.Fatalf("%d wait, the queue counts %d and orders %d", waiting, q.Len(), ordered)
	}
	paid, running := 0, 0
	for i := range q.tiers {
		paid += q.tiers[i].paid
		running += q.tiers[i].running
	}
	for _, t := range e.live {
		paid -= t.paid
	}
	if paid != 0 || running != len(e.live) {
		e.t.Fatalf("%d tokens are paid for by nobody, %d of %d run", paid, running, len(e.live))
	}
}

func TestOneFlowIsServedAsItComes(t *testing.T) {
	e := newEngine(t, 3)
	c := &client{inFlight: 40, prompt: 50, answer: 20, total: 500}
	e.run(20_000, c)
	if c.over != 500 || !slices.IsSorted(c.orders) {
		t.Errorf("%d of 500, in the order %v", c.over, c.orders)
	}
}

// Weights hold among keys, whatever the sizes of their requests and however many
// they have waiting.
func TestWeightsAreKept(t *testing.T) {
	for name, clients := range map[string][]*client{
		"alike":          {{source: Source{Key: "a", Weight: 3}, inFlight: 200, prompt: 100, answer: 50}, {source: Source{Key: "b", Weight: 1}, inFlight: 200, prompt: 100, answer: 50}},
		"one floods":     {{source: Source{Key: "a", Weight: 3}, inFlight: 14, prompt: 100, answer: 50}, {source: Source{Key: "b", Weight: 1}, inFlight: 400, prompt: 100, answer: 50}},
		"long and short": {{source: Source{Key: "a", Weight: 3}, inFlight: 100, prompt: 10, answer: 10}, {source: Source{Key: "b", Weight: 1}, inFlight: 30, prompt: 400, answer: 200}},
		"large weights":  {{source: Source{Key: "a", Weight: 3000}, inFlight: 100, prompt: 100, answer: 50}, {source: Source{Key: "b", Weight: 1000}, inFlight: 200, prompt: 100, answer: 50}},
		"short and long": {{source: Source{Key: "a", Weight: 3}, inFlight: 30, prompt: 400, answer: 200}, {source: Source{Key: "b", Weight: 1}, inFlight: 200, prompt: 10, answer: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			newEngine(t, 8).run(30_000, clients...)
			ratio := float64(clients[0].tokens) / float64(clients[1].tokens)
			if math.Abs(ratio-3) > 0.15 {
				t.Errorf("%d and %d tokens: %.3f to 1", clients[0].tokens, clients[1].tokens, ratio)
			}
			for _, c := range clients {
				if !slices.IsSorted(c.orders) {
					t.Errorf("the requests of %s were taken out of order", c.source.Key)
				}
			}
		})
	}
}

// A key's share is that of all its flows.
func TestFlowsShareTheirKey(t *testing.T) {
	var clients []*client
	for i := range 5 {
		clients = append(clients, &client{source: Source{Key: "a", Flow: fmt.Sprint(i)}, inFlight: 10 * (i + 1), prompt: 60, answer: 40})
	}
	b := &client{source: Source{Key: "b"}, inFlight: 20, prompt: 60, answer: 40}
	newEngine(t, 8).run(30_000, append(clients, b)...)
	total := 0
	for _, c := range clients {
		total += c.tokens
	}
	for _, c := range clients {
		if part := float64(c.tokens) / float64(total); math.Abs(part-0.2) > 0.01 {
			t.Errorf("flow %s has %.3f of its key's tokens", c.source.Flow, part)
		}
	}
	if ratio := float64(total) / float64(b.tokens); math.Abs(ratio-1) > 0.05 {
		t.Errorf("%d tokens of five flows, %d of one", total, b.tokens)
	}
}

// One with one request at a time does not get rid of its debt between two.
func TestDebtsOutliveRequests(t *testing.T) {
	a := &client{source: Source{Key: "a", Weight: 3}, inFlight: 20, prompt: 10, answer: 20}
	b := &client{source: Source{Key: "b", Weight: 1}, inFlight: 1, prompt: 100, answer: 200}
	newEngine(t, 1).run(100_000, a, b)
	if ratio := float64(a.tokens) / float64(b.tokens); ratio < 2.85 {
		t.Errorf("%d and %d tokens: %.3f to 1", a.tokens, b.tokens, ratio)
	}
}

// Higher tiers come first; lower ones keep their part, and none is lost.
func TestTiers(t *testing.T) {
	for _, places := range []int{2, 8} {
		priority := &client{source: Source{Tier: ask.TierPriority}, inFlight: 100, prompt: 50, answer: 50}
		standard := &client{source: Source{Tier: ask.TierStandard}, inFlight: 100, prompt: 50, answer: 50}
		background := &client{source: Source{Tier: ask.TierBackground}, inFlight: 100, prompt: 50, answer: 50}
		newEngine(t, places).run(40_000, priority, standard, background)
		all := float64(priority.tokens + standard.tokens + background.tokens)
		for _, c := range []*client{standard, background} {
			if part := float64(c.tokens) / all; part < 0.049 || part > 0.07 {
				t.Errorf("%d places: tier %v has %.3f of the tokens", places, c.source.Tier, part)
			}
			if !slices.IsSorted(c.orders) {
				t.Errorf("tier %v out of order", c.source.Tier)
			}
		}
	}
}

// What is not asked for is nobody's, and a tier saves nothing up.
func TestTierAlone(t *testing.T) {
	background := &client{source: Source{Tier: ask.TierBackground}, inFlight: 100, prompt: 50, answer: 50, total: 300}
	late := &client{source: Source{Tier: ask.TierPriority}, inFlight: 100, prompt: 50, answer: 50, total: 300, from: 2000}
	e := newEngine(t, 4)
	e.run(2000, background, late)
	alone := background.tokens
	if alone < 8000 {
		t.Fatalf("alone it has %d tokens", alone)
	}
	e.run(30_000, background, late)
	if background.over != 300 || late.over != 300 || e.queue.Len() != 0 {
		t.Errorf("%d and %d of 300, %d wait", background.over, late.over, e.queue.Len())
	}
	for i := range e.queue.tiers {
		if tier := &e.queue.tiers[i]; len(tier.keys.accounts) != 0 || tier.owed > 0 {
			t.Errorf("%d keys are left, %d owed", len(tier.keys.accounts), tier.owed)
		}
	}
}

// Who was evicted comes back first, and pays once.
func TestReturn(t *testing.T) {
	q := New[int]()
	var tickets []*Ticket[int]
	for i := range 3 {
		tickets = append(tickets, &Ticket[int]{Value: i, Prompt: 100, Answer: 100})
		q.Push(tickets[i])
	}
	q.Take(tickets[0], 0)
	q.Take(tickets[1], 20)
	q.Computed(tickets[0], 120)
	q.Computed(tickets[1], 120)
	key := tickets[0].key
	for _, i := range []int{1, 0} {
		q.Return(tickets[i])
	}
	var order []int
	for t := range q.InOrder() {
		order = append(order, t.Value)
	}
	if !slices.Equal(order, []int{0, 1, 2}) {
		t.Errorf("order %v", order)
	}
	credit := key.credit
	q.Take(tickets[0], 0)
	paid := tickets[0].paid
	q.Computed(tickets[0], 64) // again
	if tickets[0].paid != paid || paid != 64-20 {
		t.Errorf("%d, then %d are paid for", paid, tickets[0].paid)
	}
	q.Computed(tickets[0], 200)
	q.Leave(tickets[0])
	q.Leave(tickets[0])
	// But for the rounds that it was given, of the charges those of 80 tokens stay.
	if used := 80.0; math.Mod(key.credit-credit+used, quantum) != 0 {
		t.Errorf("credit %v, it was %v", key.credit, credit)
	}
	q.Leave(tickets[1])
	q.Leave(tickets[2])
	if q.Len() != 0 || len(q.tiers[1].keys.accounts) != 0 {
		t.Errorf("%d are left", q.Len())
	}
}

// Whatever happens, in whatever order, nothing is lost and nothing is counted wrong.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(50) {
		e := newEngine(t, 4)
		e.random = rand.New(rand.NewPCG(seed, seed))
		c := &client{prompt: 1 << 20, answer: 1}
		for range 400 {
			switch e.random.IntN(5) {
			case 0, 1:
				e.queue.Push(&Ticket[*request]{
					Value: &request{client: c}, Prompt: 1 + e.random.IntN(300), Answer: e.random.IntN(300),
					Source: Source{
						Tier: ask.Tier(e.random.IntN(3) - 1), Key: fmt.Sprint(e.random.IntN(3)),
						Weight: e.random.IntN(4), Flow: fmt.Sprint(e.random.IntN(3)),
					},
				})
			case 2:
				e.step()
			case 3:
				if len(e.live) > 0 {
					i := e.random.IntN(len(e.live))
					e.queue.Return(e.live[i])
					e.live = slices.Delete(e.live, i, i+1)
				}
			case 4:
				for t := range e.queue.All() {
					if e.random.IntN(3) == 0 {
						e.queue.Leave(t)
						break
					}
				}
			}
			e.check()
		}
		for t := range e.queue.All() {
			e.queue.Leave(t)
		}
		for _, t := range e.live {
			e.queue.Leave(t)
		}
		e.live = nil
		e.check()
		for i := range e.queue.tiers {
			if keys := &e.queue.tiers[i].keys; len(keys.accounts) != 0 || len(keys.byName) != 0 || len(keys.debtors) != 0 {
				t.Fatalf("seed %d: %d keys are left", seed, len(keys.accounts))
			}
		}
	}
}

// In a flow what is due first comes first; what came back comes before all.
func TestDue(t *testing.T) {
	q := New[string]()
	for _, ticket := range []*Ticket[string]{
		{Value: "a", Due: 10}, {Value: "b", Due: 10}, {Value: "c", Due: 20}, {Value: "d", Due: 10}, {Value: "e", Due: 5}, {Value: "f", Due: 15},
	} {
		q.Push(ticket)
	}
	var last *Ticket[string]
	for ticket := range q.InOrder() {
		last = ticket
	}
	q.Take(last, 0)
	q.Return(last)
	order := ""
	for ticket := range q.InOrder() {
		order += ticket.Value
	}
	if order != "ceabdf" {
		t.Errorf("order %s", order)
	}
	if !q.WaitsAbove(ask.TierBackground) || q.WaitsAbove(ask.TierStandard) {
		t.Error("one of the standard tier waits")
	}
}

func TestMisuse(t *testing.T) {
	for name, wrong := range map[string]func(q *Queue[int], t *Ticket[int]){
		"pushed twice":            func(q *Queue[int], t *Ticket[int]) { q.Push(t) },
		"taken twice":             func(q *Queue[int], t *Ticket[int]) { q.Take(t, 0); q.Take(t, 0) },
		"returned while it waits": func(q *Queue[int], t *Ticket[int]) { q.Return(t) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("nothing is said")
				}
			}()
			q, ticket := New[int](), new(Ticket[int])
			q.Push(ticket)
			wrong(q, ticket)
		})
	}
}
