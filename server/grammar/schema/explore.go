package schema

import (
	"context"
	"errors"
)

// errTooLarge is an automaton that needs too many states, or too much work.
var errTooLarge = errors.New("the pattern is too large")

// explored is a state of an automaton that is whole.
type explored struct {
	accepts bool
	edges   []edge
}

// explore makes all states of an automaton, in so many steps.
func explore(ctx context.Context, t textSpec) (all []explored, steps int, err error) {
	a, err := newAutomaton(t)
	if err != nil {
		return nil, 0, err
	}
	for n := 0; n < len(a.states); n++ {
		if n%16 == 0 && ctx.Err() != nil {
			return nil, a.steps, ctx.Err()
		}
		all = append(all, explored{a.accepts(n), a.edges(n)})
		if len(a.states) > maxStates || a.steps > maxSteps {
			return nil, a.steps, errTooLarge
		}
	}
	return all, a.steps, nil
}

// lengths returns how many characters the shortest and the longest text have that
// an automaton accepts; -1 for the longest if there is none, and 0 for the
// shortest of none.
func lengths(states []explored) (shortest, longest int) {
	live := alive(states)
	if len(states) == 0 || !live[0] {
		return 0, -1
	}
	shortest = -1
	distance := make([]int, len(states)) // from the begin, plus 1
	distance[0] = 1
	incoming := make([]int, len(states)) // from live states that can be reached
	queue := []int{0}
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		if states[at].accepts && shortest < 0 {
			shortest = distance[at] - 1
		}
		for _, e := range states[at].edges {
			if !live[e.to] {
				continue
			}
			if incoming[e.to]++; distance[e.to] == 0 {
				distance[e.to] = distance[at] + 1
				queue = append(queue, e.to)
			}
		}
	}
	if incoming[0] > 0 {
		return shortest, -1
	}
	// In topological order, unless there is a circle.
	far := make([]int, len(states))
	order := []int{0}
	for i := 0; i < len(order); i++ {
		at := order[i]
		if states[at].accepts {
			longest = max(longest, far[at])
		}
		for _, e := range states[at].edges {
			if !live[e.to] {
				continue
			}
			far[e.to] = max(far[e.to], far[at]+1)
			if incoming[e.to]--; incoming[e.to] == 0 {
				order = append(order, e.to)
			}
		}
	}
	if len(order) < len(queue) {
		return shortest, -1
	}
	return shortest, longest
}

// alive returns the states from which a text may be accepted.
func alive(states []explored) []bool {
	live := make([]bool, len(states))
	from := make([][]int, len(states))
	var queue []int
	for n, s := range states {
		for _, e := range s.edges {
			from[e.to] = append(from[e.to], n)
		}
		if s.accepts {
			live[n] = true
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, n := range from[at] {
			if !live[n] {
				live[n] = true
				queue = append(queue, n)
			}
		}
	}
	return live
}
