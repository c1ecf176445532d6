package prefix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// naive is what a Tree is to be, without a tree.
type naive map[int]*plain

type plain struct {
	key    string
	tokens []ask.Token
	used   int
}

// match looks at all.
func (n naive) match(key string, tokens []ask.Token, allowed func(int) bool) (best, shared int) {
	best = -1
	for id, p := range n {
		c := Common(p.tokens, tokens)
		if p.key != key || c == 0 || allowed != nil && !allowed(id) {
			continue
		}
		if b := n[best]; best < 0 || c > shared || c == shared &&
			(len(p.tokens) < len(b.tokens) || len(p.tokens) == len(b.tokens) && p.used > b.used) {
			best, shared = id, c
		}
	}
	return best, shared
}

func (n naive) oldest(allowed func(int) bool) int {
	oldest := -1
	for id, p := range n {
		if allowed(id) && (oldest < 0 || p.used < n[oldest].used) {
			oldest = id
		}
	}
	return oldest
}

// check holds a tree against what it is to be, and its nodes against their own rules.
func (n naive) check(t *testing.T, tree *Tree) {
	t.Helper()
	if len(tree.entries) != len(n) {
		t.Fatalf("%d entries, want %d", len(tree.entries), len(n))
	}
	keys := map[string]bool{}
	for id, p := range n {
		keys[p.key] = true
		if got := spelled(tree.entries[id].end); !slices.Equal(got, p.tokens) || tree.Len(id) != len(p.tokens) {
			t.Fatalf("entry %d has %v, want %v", id, got, p.tokens)
		}
	}
	if len(tree.roots) != len(keys) {
		t.Fatalf("%d roots of %d keys", len(tree.roots), len(keys))
	}
	for _, root := range tree.roots {
		checkNode(t, root)
	}
}

func checkNode(t *testing.T, n *node) {
	t.Helper()
	if n.parent != nil && (len(n.label) == 0 || len(n.ends) == 0 && len(n.children) < 2) {
		t.Fatalf("a needless node: label %v, ends %v, %d children", n.label, n.ends, len(n.children))
	}
	for first, child := range n.children {
		if child.parent != n || child.label[0] != first {
			t.Fatalf("a child of another parent, or under another token")
		}
		checkNode(t, child)
	}
}

// spelled is the tokens from the root to a node.
func spelled(n *node) (tokens []ask.Token) {
	for ; n.parent != nil; n = n.parent {
		tokens = append(slices.Clone(n.label), tokens...)
	}
	return tokens
}

// A tree gives what looking at all entries gives, whatever was done before.
func TestTreeIsWhatItIsToBe(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { schedule(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

// swap is what Tree.Swap is to do.
func (n naive) swap(id, other int) {
	a, b := n[id], n[other]
	delete(n, id)
	delete(n, other)
	if a != nil {
		n[other] = a
	}
	if b != nil {
		n[id] = b
	}
}

// schedule does random things, over few tokens, so that much is shared.
func schedule(t *testing.T, random *rand.Rand) {
	var tree Tree
	want, uses := naive{}, 0
	alphabet, ids, length := 1+random.IntN(4), 1+random.IntN(12), 1+random.IntN(40)
	text := func() []ask.Token {
		tokens := make([]ask.Token, random.IntN(length))
		for i := range tokens {
			tokens[i] = ask.Token(random.IntN(alphabet))
		}
		return tokens
	}
	for range 300 {
		id, key := random.IntN(ids), []string{"", "a"}[random.IntN(2)]
		uses++
		switch random.IntN(6) {
		case 0:
			tokens := text()
			if other := want[random.IntN(ids)]; other != nil { // it goes on from another
				tokens = append(slices.Clone(other.tokens[:random.IntN(len(other.tokens)+1)]), tokens...)
			}
			tree.Set(id, key, tokens)
			want[id] = &plain{key, slices.Clone(tokens), uses}
			clear(tokens) // they are the caller's
		case 1, 2:
			if p := want[id]; p != nil {
				tokens := text()
				tree.Extend(id, tokens)
				p.tokens, p.used = append(p.tokens, tokens...), uses
			}
		case 3:
			if p := want[id]; p != nil {
				tree.Touch(id)
				p.used = uses
			}
		case 4:
			tree.Remove(id)
			delete(want, id)
		case 5:
			other := random.IntN(ids)
			tree.Swap(id, other)
			want.swap(id, other)
		}
		want.check(t, &tree)
		mask := random.Uint64()
		allowed := func(id int) bool { return mask>>id&1 != 0 }
		tokens := text()
		if p := want[id]; p != nil {
			tokens = append(slices.Clone(p.tokens[:random.IntN(len(p.tokens)+1)]), tokens...)
		}
		for _, allowed := range []func(int) bool{nil, allowed} {
			gotID, got := tree.Match(key, tokens, allowed)
			wantID, wantShared := want.match(key, tokens, allowed)
			if gotID != wantID || got != wantShared {
				t.Fatalf("%v: entry %d shares %d, want %d and %d", tokens, gotID, got, wantID, wantShared)
			}
		}
		if got, want := tree.Oldest(allowed), want.oldest(allowed); got != want {
			t.Fatalf("oldest is %d, want %d", got, want)
		}
	}
	for id := range ids {
		tree.Remove(id)
	}
	if len(tree.roots) != 0 || len(tree.entries) != 0 {
		t.Errorf("%d roots and %d entries are left of nothing", len(tree.roots), len(tree.entries))
	}
}

// What one key has is not there for another.
func TestKeysAreApart(t *testing.T) {
	var tree Tree
	tokens := []ask.Token{1, 2, 3}
	tree.Set(4, "one", tokens)
	if id, shared := tree.Match("two", tokens, nil); id != -1 || shared != 0 {
		t.Errorf("entry %d shares %d", id, shared)
	}
	if id, shared := tree.Match("one", tokens[:2], nil); id != 4 || shared != 2 {
		t.Errorf("entry %d shares %d", id, shared)
	}
}

// TestExtendWhatIsNotThere holds the panic of a programmer's error.
func TestExtendWhatIsNotThere(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	new(Tree).Extend(1, nil)
}

func BenchmarkMatch(b *testing.B) {
	var tree Tree
	prompt := make([]ask.Token, 2000)
	for i := range prompt {
		prompt[i] = ask.Token(i % 97)
	}
	for id := range 64 {
		tree.Set(id, "", append(slices.Clone(prompt[:1000+10*id]), ask.Token(200+id)))
	}
	for b.Loop() {
		tree.Match("", prompt, nil)
	}
}
