package generate

import (
	"context"

	"github.com/weirgo/weir/server/ask"
)

// Renderer is a Generator that can show what its chat template makes of a
// conversation.
type Renderer interface {
	// Render checks a request as Submit does and gives the text of its prompt.
	// open leaves the text where the assistant's turn begins, as Submit does. The
	// error is an *ask.Fault. The request is the generator's.
	Render(ctx context.Context, r *ask.Request, open bool) (string, error)
}

// Describer is a Generator that knows the file of its model.
type Describer interface{ Properties() Properties }

// Properties are facts of a model and of how it is served, which do not change.
type Properties struct {
	Path         string
	ChatTemplate string      // the template's source, "" for none
	BOS, EOS     string      // texts of the tokens, "" for none
	Sequences    int         // that are decoded together
	Ends         []ask.Token // tokens that end a generation
}

// Watcher is a Generator that can be watched at work.
type Watcher interface {
	// Sequences gives the state of each place in the batch, by its number. It
	// waits for no decode.
	Sequences() []Sequence
	// Load is how much there is to do, and what was done. It never waits.
	Load() Load
}

// Load is what is counted of the work.
type Load struct {
	Busy      int    // sequences at work
	Waiting   int    // requests that wait for a place
	Decodes   uint64 // since the start
	Generated uint64 // tokens, since the start
	Embedded  uint64 // tokens whose vectors were computed, since the start
	Drafts    uint64 // of tokens that might follow, since the start
	Drafted   uint64 // tokens that they had
	Accepted  uint64 // of them, those that were right
}

// Sequence is the state of a place in the batch; the zero value of a free one.
type Sequence struct {
	Busy         bool
	PromptTokens int
	Cached       int // tokens that are computed, of prompt and answer
	Generated    int // tokens of the answer
	Remaining    int // tokens of the answer that may still come
	Paused       bool
	Drafts       bool // tokens are guessed for it or, of a free place, may be
}

// Filler is a Generator whose model may have learnt to fill gaps.
type Filler interface{ FillTokens() FillTokens }

// FillTokens are the control tokens by which a model is asked to fill a gap; -1
// where it has none.
type FillTokens struct {
	Begin                  ask.Token // with which a prompt begins
	Prefix, Suffix, Middle ask.Token // before the parts; all three are needed
	Repository, File       ask.Token // before names
}
