package stage

import (
	"bytes"
	"fmt"
	"unsafe"
)

// Node is an object whose whole content follows from its number.
type Node struct {
	id   uint64
	seal uint64
	kids [2]*Node
	data []byte
	text string
	more any
	list []*Node
	mid  Middle
}

// Middle is a part of a Node that may be all of it that is pointed to.
type Middle struct {
	seal uint64
	leaf *leaf
}

type leaf struct{ seal uint64 }

const (
	levels     = 2         // of children below a node
	largeBytes = 40_000    // an object with a span of its own
	bytesCap   = 64        // of small content
	middleSalt = 0x6d69640 // makes the middle's content another than its node's
)

// mix is a bijection that looks random (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Make makes the node with a number: one to fifteen objects, of all sizes.
//
//go:noinline
func Make(id uint64) *Node { return build(id, levels) }

func build(id uint64, below int) *Node {
	h := mix(id)
	n := &Node{id: id, seal: mix(h)}
	n.mid = Middle{seal: mix(h ^ middleSalt), leaf: &leaf{h}}
	if below > 0 {
		for i := range n.kids[:h%3] {
			n.kids[i] = build(mix(h+uint64(i)), below-1)
		}
	}
	switch h >> 8 & 7 {
	case 0:
		n.data = pattern(h)
	case 1:
		n.text = string(pattern(h))
	case 2:
		n.more = &leaf{h}
	case 3:
		n.more = h
	case 4:
		n.more = func() uint64 { return h }
	case 5:
		n.more = map[uint64]*Node{h: build(h+1, 0)}
	case 6:
		n.list = make([]*Node, 5)
		n.list[4] = build(h+1, 0)
	}
	return n
}

// pattern makes bytes: a few, and now and then many.
func pattern(h uint64) []byte {
	size := int(h >> 16 % bytesCap)
	if h>>32&255 == 0 {
		size = largeBytes
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(h>>(i&7*8)) ^ byte(i)
	}
	return b
}

// Check reads a node back; one that is not what Make made ends the program.
//
//go:noinline
func Check(n *Node, id uint64) {
	if what := differs(n, id, levels); what != "" {
		Fail("object %#x at %p: %s", id, n, what)
	}
}

// Middle returns the inner part, whose address keeps the whole node alive.
func (n *Node) Middle() *Middle { return &n.mid }

// CheckMiddle reads a node back through its middle.
//
//go:noinline
func CheckMiddle(m *Middle, id uint64) {
	n := (*Node)(unsafe.Pointer(uintptr(unsafe.Pointer(m)) - unsafe.Offsetof(Node{}.mid)))
	Check(n, id)
}

func differs(n *Node, id uint64, below int) string {
	h := mix(id)
	if n == nil {
		return "is nil"
	}
	if n.id != id || n.seal != mix(h) {
		return fmt.Sprintf("has number %#x and seal %#x", n.id, n.seal)
	}
	if n.mid.seal != mix(h^middleSalt) || n.mid.leaf == nil || n.mid.leaf.seal != h {
		return "its middle is spoilt"
	}
	kids := 0
	if below > 0 {
		kids = int(h % 3)
	}
	for i, kid := range n.kids {
		if i >= kids {
			if kid != nil {
				return "has a child too many"
			}
		} else if what := differs(kid, mix(h+uint64(i)), below-1); what != "" {
			return fmt.Sprintf("child %d %s", i, what)
		}
	}
	return contentDiffers(n, h)
}

func contentDiffers(n *Node, h uint64) string {
	switch h >> 8 & 7 {
	case 0:
		if !bytes.Equal(n.data, pattern(h)) {
			return "its bytes are spoilt"
		}
	case 1:
		if n.text != string(pattern(h)) {
			return "its text is spoilt"
		}
	case 2:
		if l, ok := n.more.(*leaf); !ok || l.seal != h {
			return "its leaf is spoilt"
		}
	case 3:
		if n.more != any(h) {
			return "its boxed number is spoilt"
		}
	case 4:
		if f, ok := n.more.(func() uint64); !ok || f() != h {
			return "its closure is spoilt"
		}
	case 5:
		if m, ok := n.more.(map[uint64]*Node); !ok || len(m) != 1 {
			return "its map is spoilt"
		} else if what := differs(m[h], h+1, 0); what != "" {
			return "in its map, " + what
		}
	case 6:
		if len(n.list) != 5 {
			return "its list is spoilt"
		}
		if what := differs(n.list[4], h+1, 0); what != "" {
			return "in its list, " + what
		}
	}
	return ""
}
