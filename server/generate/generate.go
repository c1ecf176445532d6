package generate

import (
	"context"
	"strconv"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
)

// Generator turns requests into text. All methods may be called from any
// goroutine.
type Generator interface {
	// Submit checks a request against the model and queues it. The error is
	// an *ask.Fault. ctx bounds the call, not the generation, which goes on
	// until its end or Cancel. The request is the generator's until its end.
	Submit(ctx context.Context, r *ask.Request) (Stream, error)
	// Model describes what generates.
	Model() ask.Model
}

// Stream is the output of one request.
type Stream interface {
	// Announce names the stream's reader: from now on e is posted when the
	// stream has something, at once if it has already, and its feed is woken
	// once for all that a step of the engine brought. Called once, before the
	// first Next.
	Announce(e *mailbox.Entry)
	// Next moves the next event into ev, or reports false if there is none
	// yet. It does not wait. After the end it reports false.
	Next(ev *ask.Event) bool
	// Cancel ends the generation soon and frees what it holds; nobody needs
	// to read on. Any goroutine, any number of times, also after the end.
	Cancel()
}

// Sized is a Stream that knows from the beginning how long its prompt is.
type Sized interface {
	// PromptTokens is what the end will say, 0 if that is not known. Called before
	// Announce.
	PromptTokens() int
}

// Checker is a Generator that knows when something is wrong with it.
type Checker interface {
	// Check returns nil, or the *ask.Fault that every request gets until what is
	// wrong has passed or the process is started again. It never waits.
	Check() error
}

// Tokenizer is a Generator whose vocabulary can be asked.
type Tokenizer interface {
	// Tokenize gives the tokens of text. addSpecial adds the model's own
	// begin and end tokens; parseSpecial reads "<|im_start|>" and its like as
	// one token. The error is an *ask.Fault.
	Tokenize(ctx context.Context, text string, addSpecial, parseSpecial bool) ([]ask.Token, error)
	// Spell appends the bytes of tokens, control tokens included. A token
	// outside the vocabulary is an *ask.Fault.
	Spell(dst []byte, tokens ...ask.Token) ([]byte, error)
	// AppendText is Spell for the tokens of a text, of which before is the one
	// that they follow, -1 for none: a space that Tokenize adds by itself is
	// left out, so that the text is the one that was tokenised.
	AppendText(dst []byte, before ask.Token, tokens ...ask.Token) ([]byte, error)
}

// Counter is a Generator that counts the tokens of prompts without going on from
// them.
type Counter interface {
	// Count checks a request as Submit does and gives the tokens of its prompt,
	// also of one that is longer than the context. The error is an *ask.Fault.
	// The request is the generator's.
	Count(ctx context.Context, r *ask.Request) (int, error)
}

// CheckModel refuses a name that is not the model's. No name is its name.
func CheckModel(m ask.Model, name string) error {
	if name == "" || name == m.ID {
		return nil
	}
	return &ask.Fault{
		Kind: ask.ModelUnknown, Param: "model",
		What: "the model " + strconv.Quote(ask.Clip(name, ask.QuotedBytes)) + " does not exist", Remedy: "this server has " + strconv.Quote(m.ID),
	}
}

// Embedder is a Generator that can say where texts lie in the model's space.
type Embedder interface {
	// Embed returns a vector for each input, in order, and the tokens of all. The
	// error is an *ask.Fault. It ends early when ctx is done.
	Embed(ctx context.Context, inputs []ask.Prompt, o EmbedOptions) (vectors [][]float32, tokens int, err error)
}

// TokenEmbedder is an Embedder that may be served without a pooling: then it has
// vectors of tokens, and none of texts.
type TokenEmbedder interface {
	Embedder
	// Unpooled reports whether it is. The error is an *ask.Fault.
	Unpooled(ctx context.Context) (bool, error)
	// EmbedTokens returns the vectors of each input's tokens, in order and as the
	// model has them, and how many there are. The error is an *ask.Fault. It ends
	// early when ctx is done.
	EmbedTokens(ctx context.Context, inputs []ask.Prompt) (vectors [][][]float32, tokens int, err error)
}

// EmbedOptions say how vectors are made.
type EmbedOptions struct {
	// Dimensions is how many a vector keeps, the first ones, with a length of 1
	// again; 0: all.
	Dimensions int
	// Raw leaves the vectors' lengths as they are. Otherwise they are 1, save
	// for those of a reranker.
	Raw bool
}

// Sleeper is a Generator that gives the memory of its model back while nobody asks.
type Sleeper interface {
	// Asleep reports whether it has. Who asks for something waits until the model is
	// there again; to describe the generator does not wake it.
	Asleep() bool
}
