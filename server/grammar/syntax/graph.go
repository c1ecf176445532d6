package syntax

import "slices"

// visit is a place in a walk through a graph: a node, and how many of its edges
// have been taken.
type visit struct {
	node  int32
	edges int
}

// circleOf returns the nodes of some circle, in order, nil if there is none.
func circleOf(edges [][]int32) []int32 {
	const (
		unseen = iota
		open
		closed
	)
	state := make([]uint8, len(edges))
	var path []visit
	for root := range edges {
		if state[root] != unseen {
			continue
		}
		path = append(path[:0], visit{node: int32(root)})
		state[root] = open
		for len(path) > 0 {
			at := &path[len(path)-1]
			if at.edges == len(edges[at.node]) {
				state[at.node] = closed
				path = path[:len(path)-1]
				continue
			}
			to := edges[at.node][at.edges]
			at.edges++
			switch state[to] {
			case unseen:
				state[to] = open
				path = append(path, visit{node: to})
			case open:
				var circle []int32
				for i := len(path) - 1; ; i-- {
					circle = append(circle, path[i].node)
					if path[i].node == to {
						slices.Reverse(circle)
						return circle
					}
				}
			}
		}
	}
	return nil
}

// components numbers the nodes so that two have the same number if each can be
// reached from the other; a node on no circle has -1. (Tarjan 1972, without
// recursion.)
func components(edges [][]int32) []int32 {
	n := len(edges)
	number, low, component := make([]int32, n), make([]int32, n), make([]int32, n)
	onStack := make([]bool, n)
	var path []visit
	var stack []int32
	next, count := int32(1), int32(0)
	enter := func(node int32) {
		number[node], low[node] = next, next
		next++
		stack, onStack[node] = append(stack, node), true
		path = append(path, visit{node: node})
	}
	for root := range edges {
		if number[root] != 0 {
			continue
		}
		enter(int32(root))
		for len(path) > 0 {
			at := &path[len(path)-1]
			if at.edges < len(edges[at.node]) {
				to := edges[at.node][at.edges]
				at.edges++
				if number[to] == 0 {
					enter(to)
				} else if onStack[to] {
					low[at.node] = min(low[at.node], number[to])
				}
				continue
			}
			node := at.node
			path = path[:len(path)-1]
			if len(path) > 0 {
				above := path[len(path)-1].node
				low[above] = min(low[above], low[node])
			}
			if low[node] != number[node] {
				continue
			}
			begin := len(stack) - 1
			for stack[begin] != node {
				begin--
			}
			alone := begin == len(stack)-1 && !slices.Contains(edges[node], node)
			for _, member := range stack[begin:] {
				onStack[member], component[member] = false, count
				if alone {
					component[member] = -1
				}
			}
			stack = stack[:begin]
			count++
		}
	}
	return component
}
