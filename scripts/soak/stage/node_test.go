package stage

import "testing"

// TestSpoiltNodesDiffer spoils each part of nodes of all kinds.
func TestSpoiltNodesDiffer(t *testing.T) {
	for id := range uint64(200) {
		if what := differs(Make(id), id, levels); what != "" {
			t.Fatalf("object %d %s", id, what)
		}
		for name, spoil := range map[string]func(n *Node){
			"number": func(n *Node) { n.id++ },
			"seal":   func(n *Node) { n.seal = 0 },
			"middle": func(n *Node) { n.mid.leaf = &leaf{} },
			"child":  func(n *Node) { n.kids[1] = n },
			"content": func(n *Node) {
				n.data, n.text, n.more, n.list = append([]byte{1}, n.data...), "x"+n.text, nil, nil
			},
		} {
			n := Make(id)
			spoil(n)
			if name == "content" && mix(id)>>8&7 == 7 {
				continue // has none
			}
			if differs(n, id, levels) == "" {
				t.Errorf("object %d with another %s passes", id, name)
			}
		}
	}
}
