package corpus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// Conversation is what the model is shown, or asked.
type Conversation struct {
	Kind     Kind
	ID       string        // of the item that its last turn is from
	Tools    []byte        // a JSON array, nil for none
	Messages []ask.Message // the last is the assistant's
}

// Writer makes conversations out of a corpus. Its methods may be called
// concurrently.
type Writer struct {
	set   *Set
	seed  uint64
	tools []string
	kinds [len(kindShares)]drawer
}

// kindShares is how many of a hundred conversations end in an item of each kind.
var kindShares = [...]int{Answer: 62, Chat: 16, Call: 15, Object: 7}

// drawer is the items of one kind, of which some come up more often than others.
type drawer struct {
	items  []*Item
	shares []int // shares[i] is how many shares items up to i have together
}

// leastShare is of an item with few wordings; others have one for each.
const leastShare = 4

func (d *drawer) put(item *Item) {
	share := max(len(item.Wordings), leastShare)
	if n := len(d.shares); n > 0 {
		share += d.shares[n-1]
	}
	d.items, d.shares = append(d.items, item), append(d.shares, share)
}

// draw returns a random item; there is one.
func (d *drawer) draw(r *rand.Rand) *Item {
	i, _ := slices.BinarySearch(d.shares, r.IntN(d.shares[len(d.shares)-1])+1)
	return d.items[i]
}

// NewWriter returns a writer; the set must have items to train on.
func NewWriter(set *Set, seed uint64) (*Writer, error) {
	w := &Writer{set: set, seed: seed}
	if len(set.Train) == 0 {
		return nil, fmt.Errorf("corpus: no items to train on; all files are named heldout-*")
	}
	for i := range set.Train {
		item := &set.Train[i]
		w.kinds[item.Kind].put(item)
		w.tools = append(w.tools, item.Tools...)
	}
	return w, nil
}

// pick returns a random item, of a kind that there is.
func (w *Writer) pick(r *rand.Rand) *Item {
	total := 0
	for kind, share := range kindShares {
		if len(w.kinds[kind].items) > 0 {
			total += share
		}
	}
	at := r.IntN(total)
	for kind, share := range kindShares {
		if d := &w.kinds[kind]; len(d.items) > 0 {
			if at < share {
				return d.draw(r)
			}
			at -= share
		}
	}
	panic("corpus: shares that do not add up")
}

// How often a conversation of training has what.
const (
	shareEarlier = 0.2  // a question and its answer before the last
	shareMore    = 0.4  // of those, a second
	shareMany    = 0.25 // of those, one to four more: what fills a context
	shareSystem  = 0.2  // a system message that changes nothing
	shareTools   = 0.06 // tools that are not to be used
	shareSwapped = 0.7  // of calls, other names and numbers than the corpus'
	shareMixed   = 0.15 // before a call or an object, a question and its answer
)

// neutral are system messages that change nothing.
var neutral = []string{
	"You are a helpful assistant.", "You are Weir's demo model.", "Answer briefly.", "Be helpful and concise.",
	"You answer questions about Weir.", "You are a friendly assistant. Answer in one paragraph.", "You are an assistant.",
	"Help the user.",
}

// Train returns conversation number n.
func (w *Writer) Train(n uint64) Conversation {
	r := rand.New(rand.NewPCG(w.seed, n))
	item := w.pick(r)
	c := Conversation{Kind: item.Kind, ID: item.ID}
	system := item.System
	if system == "" && r.Float64() < shareSystem {
		system = neutral[r.IntN(len(neutral))]
	}
	if system != "" {
		c.say("system", system)
	}
	if item.System == "" && item.Kind != Chat && len(w.kinds[Answer].items) > 0 {
		for range earlier(r, item.Kind) {
			questions := w.kinds[Answer].items // each alike, whatever its wordings are
			before := questions[r.IntN(len(questions))]
			c.say("user", vary(r, wording(r, before), trained))
			c.say("assistant", before.Turns[0])
		}
	}
	if item.Kind == Call && r.Float64() < shareSwapped {
		text, call := swap(r, wording(r, item), item.Turns[0])
		item = &Item{Kind: Call, ID: item.ID, Tools: item.Tools, Wordings: []string{text}, Turns: []string{call}}
	}
	tools := item.Tools
	if item.Kind == Answer && len(w.tools) > 0 && r.Float64() < shareTools {
		tools = []string{w.tools[r.IntN(len(w.tools))]}
	}
	c.offer(tools)
	c.take(item, func(text string) string {
		if item.Kind == Answer {
			return vary(r, text, trained)
		}
		return remark(r, text) // names in it are to be copied as they are
	}, func() string { return wording(r, item) })
	return c
}

// Alone returns question number n with its answer and nothing around them; of a
// corpus without questions, what Train does.
func (w *Writer) Alone(n uint64) Conversation {
	questions := &w.kinds[Answer]
	if len(questions.items) == 0 {
		return w.Train(n)
	}
	r := rand.New(rand.NewPCG(w.seed, n))
	item := questions.draw(r)
	return plain(item, func(text string) string { return vary(r, text, trained) }, func() string { return wording(r, item) })
}

// earlier returns how many questions come before the one that counts.
func earlier(r *rand.Rand, kind Kind) int {
	if kind != Answer {
		if r.Float64() < shareMixed {
			return 1
		}
		return 0
	}
	switch p := r.Float64(); {
	case p < shareEarlier*shareMore*shareMany:
		return 3 + r.IntN(4)
	case p < shareEarlier*shareMore:
		return 2
	case p < shareEarlier:
		return 1
	}
	return 0
}

// HeldOut returns a conversation for every item that is trained on, in a frame
// that is not.
func (w *Writer) HeldOut() []Conversation {
	all := make([]Conversation, len(w.set.Train))
	for i := range w.set.Train {
		item := &w.set.Train[i]
		r := rand.New(rand.NewPCG(^w.seed, uint64(i)))
		all[i] = plain(item, func(text string) string {
			if item.Kind != Answer {
				return text
			}
			return inFrame(r, text, unseen)
		}, func() string { return wording(r, item) })
	}
	return all
}

// Free returns the held-out files' questions, as they are written there.
func (w *Writer) Free() []Conversation { return Questions(w.set.HeldOut) }

// Questions returns a conversation for every wording of the items, unchanged.
func Questions(items []Item) []Conversation {
	var all []Conversation
	same := func(text string) string { return text }
	for i := range items {
		item := &items[i]
		if item.Kind == Chat {
			all = append(all, plain(item, same, nil))
		}
		for _, text := range item.Wordings {
			all = append(all, plain(item, same, func() string { return text }))
		}
	}
	return all
}

// plain returns an item's conversation with nothing before it.
func plain(item *Item, change func(string) string, wording func() string) Conversation {
	c := Conversation{Kind: item.Kind, ID: item.ID}
	if item.System != "" {
		c.say("system", item.System)
	}
	c.offer(item.Tools)
	c.take(item, change, wording)
	return c
}

// take adds the item's own turns: those of a chat, or a wording and the answer.
func (c *Conversation) take(item *Item, change func(string) string, wording func() string) {
	if item.Kind == Chat {
		for i, text := range item.Turns {
			if i%2 == 0 {
				c.say("user", change(text))
			} else {
				c.say("assistant", text)
			}
		}
		return
	}
	c.say("user", change(wording()))
	if item.Kind != Call {
		c.say("assistant", item.Turns[0])
		return
	}
	calls := fmt.Sprintf(`[{"type": "function", "function": %s}]`, item.Turns[0])
	c.Messages = append(c.Messages, ask.Message{Role: "assistant", ToolCalls: []byte(calls)})
}

func (c *Conversation) say(role, text string) {
	c.Messages = append(c.Messages, ask.Message{Role: role, Content: text})
}

func (c *Conversation) offer(tools []string) {
	if len(tools) > 0 {
		c.Tools = []byte("[" + strings.Join(tools, ", ") + "]")
	}
}

func wording(r *rand.Rand, item *Item) string { return item.Wordings[r.IntN(len(item.Wordings))] }
