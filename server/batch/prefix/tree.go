package prefix

import (
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// Tree is a set of entries, each with its tokens. The zero value is empty.
type Tree struct {
	roots   map[string]*node // by key; none without an entry
	entries map[int]*entry
	uses    uint64 // counts Set, Extend and Touch
}

// node is a place in the tree: that after the tokens of all labels from its root. But
// for roots, it ends an entry or has two children at least.
type node struct {
	parent   *node       // nil for a root
	label    []ask.Token // from parent to here, at least one but for a root
	children map[ask.Token]*node
	ends     []int // entries whose tokens end here
}

// entry is what the tree has of one.
type entry struct {
	key    string
	end    *node
	length int    // tokens
	used   uint64 // when, by Tree.uses
}

// Set gives an entry these tokens, of which there may be none, instead of any that it
// had, and makes it the one used last.
func (t *Tree) Set(id int, key string, tokens []ask.Token) {
	t.Remove(id)
	if t.roots == nil {
		t.roots, t.entries = make(map[string]*node), make(map[int]*entry)
	}
	root := t.roots[key]
	if root == nil {
		root = new(node)
		t.roots[key] = root
	}
	t.uses++
	e := &entry{key: key, length: len(tokens), used: t.uses}
	t.entries[id] = e
	e.end = root.walk(tokens)
	e.end.ends = append(e.end.ends, id)
}

// Extend adds tokens to those of an entry that there is.
func (t *Tree) Extend(id int, tokens []ask.Token) {
	e := t.entries[id]
	if e == nil {
		panic("prefix: extend an entry that there is not")
	}
	t.uses++
	e.used = t.uses
	e.length += len(tokens)
	n := e.end
	if n.parent != nil && len(n.children) == 0 && len(n.ends) == 1 {
		n.label = append(n.label, tokens...) // nobody else is here
		return
	}
	e.end = n.walk(tokens)
	if e.end == n {
		return
	}
	n.drop(id)
	e.end.ends = append(e.end.ends, id)
	t.tidy(e.key, n)
}

// Remove takes an entry out, if there is one.
func (t *Tree) Remove(id int) {
	e := t.entries[id]
	if e == nil {
		return
	}
	delete(t.entries, id)
	e.end.drop(id)
	t.tidy(e.key, e.end)
}

// Touch makes an entry that there is the one used last.
func (t *Tree) Touch(id int) {
	t.uses++
	t.entries[id].used = t.uses
}

// Swap gives each of two entries what the other has, as do those who move what is
// computed of them. There need not be either.
func (t *Tree) Swap(a, b int) {
	first, second := t.entries[a], t.entries[b]
	if first == nil && second == nil || a == b {
		return
	}
	delete(t.entries, a)
	delete(t.entries, b)
	if first != nil {
		first.end.drop(a)
	}
	if second != nil {
		second.end.drop(b)
		second.end.ends = append(second.end.ends, a)
		t.entries[a] = second
	}
	if first != nil {
		first.end.ends = append(first.end.ends, b)
		t.entries[b] = first
	}
}

// Len is how many tokens an entry has, 0 if there is none.
func (t *Tree) Len(id int) int {
	if e := t.entries[id]; e != nil {
		return e.length
	}
	return 0
}

// Oldest is the entry that was used longest ago of those that are allowed, or -1.
func (t *Tree) Oldest(allowed func(id int) bool) (id int) {
	oldest := -1
	for id, e := range t.entries {
		if (oldest < 0 || e.used < t.entries[oldest].used) && allowed(id) {
			oldest = id
		}
	}
	return oldest
}

// Match gives the entry of a key that begins with the most of these tokens, and with
// how many, at least one; -1 and 0 if there is none. Of several it is the one with the
// fewest tokens beyond them, then the one used last. Only those that are allowed are
// looked at; nil allows all.
func (t *Tree) Match(key string, tokens []ask.Token, allowed func(id int) bool) (id, shared int) {
	n, depth := t.roots[key], 0
	if n == nil {
		return -1, 0
	}
	// Down as far as tokens go: n is the last node whose label is shared, and next
	// the one below it whose label is in part, or nil.
	var next *node
	part := 0
	for {
		next, part = nil, 0
		if depth < len(tokens) {
			next = n.children[tokens[depth]]
		}
		if next == nil {
			break
		}
		if part = Common(next.label, tokens[depth:]); part < len(next.label) {
			break
		}
		n, depth = next, depth+len(next.label)
	}
	best := -1
	if next != nil {
		if best = t.best(next, nil, best, allowed); best >= 0 {
			return best, depth + part
		}
	}
	// Up again, until somebody who is allowed passes here.
	for seen := next; n != nil && depth > 0; seen, n = n, n.parent {
		if best = t.best(n, seen, best, allowed); best >= 0 {
			return best, depth
		}
		depth -= len(n.label)
	}
	return -1, 0
}

// best is the better of an entry, or -1, and those at and below a node, but for one
// child.
func (t *Tree) best(n, without *node, best int, allowed func(id int) bool) int {
	for _, id := range n.ends {
		if (allowed == nil || allowed(id)) && (best < 0 || t.better(id, best)) {
			best = id
		}
	}
	for _, child := range n.children {
		if child != without {
			best = t.best(child, nil, best, allowed)
		}
	}
	return best
}

// better reports whether an entry is to be given rather than another that shares as
// much. No two are used at once, so the order of children does not matter.
func (t *Tree) better(id, than int) bool {
	a, b := t.entries[id], t.entries[than]
	if a.length != b.length {
		return a.length < b.length
	}
	return a.used > b.used
}

// walk goes from a node along tokens, makes what is missing, and returns the node at
// their end.
func (n *node) walk(tokens []ask.Token) *node {
	for len(tokens) > 0 {
		child := n.children[tokens[0]]
		if child == nil {
			child = &node{parent: n, label: slices.Clone(tokens)}
			n.adopt(child)
			return child
		}
		shared := Common(child.label, tokens)
		if shared < len(child.label) {
			child = child.split(shared)
		}
		n, tokens = child, tokens[shared:]
	}
	return n
}

// split puts a node in the middle of a label, and returns it.
func (n *node) split(at int) *node {
	// Clipped: what is appended to the upper part must not be in the lower one.
	upper := &node{parent: n.parent, label: n.label[:at:at]}
	n.parent.children[upper.label[0]] = upper
	n.parent, n.label = upper, n.label[at:]
	upper.adopt(n)
	return upper
}

func (n *node) adopt(child *node) {
	if n.children == nil {
		n.children = make(map[ask.Token]*node)
	}
	n.children[child.label[0]] = child
}

// drop forgets that an entry ends here.
func (n *node) drop(id int) {
	n.ends = slices.DeleteFunc(n.ends, func(end int) bool { return end == id })
}

// tidy takes a node that may have become needless out of the tree.
func (t *Tree) tidy(key string, n *node) {
	for n.parent != nil && len(n.ends) == 0 && len(n.children) == 0 {
		delete(n.parent.children, n.label[0])
		n = n.parent
	}
	switch {
	case len(n.ends) > 0:
	case n.parent == nil:
		if len(n.children) == 0 {
			delete(t.roots, key)
		}
	case len(n.children) == 1:
		for _, child := range n.children {
			child.label = slices.Concat(n.label, child.label)
			child.parent = n.parent
			n.parent.children[child.label[0]] = child
		}
	}
}

// Common is with how many tokens both begin.
func Common(a, b []ask.Token) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
