package batch

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/draft"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/threads"
)

// Config bounds a Loop. The zero value of a field takes its default.
type Config struct {
	// MaxSequences is how many generations are decoded together. Default:
	// what the engine context holds.
	MaxSequences int
	// QueueLimit is how many requests may wait while MaxSequences generations
	// run. Default 256: at one request a second and sequence, already minutes
	// of waiting.
	QueueLimit int
	// QueueTokens is how many tokens those that wait may have together, of prompts
	// and of answers, of which waitingAnswer tokens count at most. Default 4096 for
	// each of QueueLimit. Where one key or tier has taken up the room, others find as
	// much again.
	QueueTokens int
	// SavedBytes is how much may be kept of sequences that gave their place to higher
	// tiers: beyond it, they are computed again. Default 256 MiB.
	SavedBytes int
	// RingTokens is how many unread tokens a generation may have before it
	// pauses, rounded up to a power of two; one that generates fewer has a
	// smaller ring. Default 256: 1 KiB, 5 with log-probabilities, and seconds of a reader
	// that is stuck.
	RingTokens int
	// TopLogprobsBytes bounds the memory of one generation's unread likeliest
	// tokens, if it asked for them; at least two tokens' are kept. Default
	// 2 MiB: 1 024 likeliest tokens for each of 256.
	TopLogprobsBytes int
	// PrefillTokens is how many prompt tokens a step takes at most while
	// other sequences decode: it bounds how much a new prompt slows running
	// streams down. Default 128: where a prompt token costs what a decoded
	// one does, as on CPUs, a step of 64 sequences takes three times as long
	// at most; on a GPU it is next to nothing.
	PrefillTokens int
	// TPOT is the longest time between two tokens of a stream that is meant to be,
	// 0 for none. With it, or where somebody who decodes has one of its own
	// (ask.Request.TPOTNs), a step takes as many prompt tokens as it leaves time for,
	// whatever PrefillTokens says, and with it no more sequences are admitted than
	// it leaves time for.
	TPOT time.Duration
	// PromptShare is the part of a step's time that prompts may take beside who
	// decodes, however short a client's objective is: so one client slows others'
	// prompts down by 1 / PromptShare at most. TPOT is not held to it. Default 1/4;
	// below 0: none, prompts get a token a step at least.
	PromptShare float64
	// Pacing decides what a step may hold. It is the loop's from now on. Default: a
	// new pace.Learned.
	Pacing pace.Policy
	// Draft is for whom tokens are guessed and computed ahead. What is generated is the
	// same with it, but for what the engine's arithmetic makes of larger batches. A
	// Pacing that does not know what drafts cost (pace.Learned does) has none. New fails
	// in a fixed shape (engine.ContextConfig.FixedShape).
	Draft draft.Config
	// DraftModel guesses where the sequence itself does not: a smaller model with the
	// same vocabulary, in a context as large as the engine's. nil: none. It is the
	// caller's, who closes it after the loop.
	DraftModel engine.Model
	// StuckAfter is how long a decode may take before the engine counts as stuck,
	// beside stuckAfterToken for each token of its batch. Default 30 s: no client
	// waits so long for a token.
	StuckAfter time.Duration
	// NoPrefixCache computes each prompt from its first token on, but for requests
	// that ask to keep. Otherwise each begins with what is computed of the same
	// tokens, and leaves what it has computed until its place is needed.
	NoPrefixCache bool
	// PrefixPerTenant keeps what is left by one tenant from all others, who could
	// learn from the time that a prompt takes whether somebody has sent the same.
	PrefixPerTenant bool
	// ContextShift has a sequence whose context is full go on without some of its tokens
	// (ask.Request.Shift), instead of ending it. New fails if the engine cannot do that.
	ContextShift bool
	// CacheBytes is how much memory the states of prefixes have that the context has no
	// room for, 0 for none, -1 for any amount. They are restored for who begins like
	// them, where that is faster than to compute.
	CacheBytes int
	// CacheDir is a directory for those that memory has no room for, and for the next
	// process, this loop's alone; "" for none. It is made if it is not there.
	CacheDir string
	// CacheDiskBytes is how much files there have. Default: 32 GiB, or half of what is
	// free there.
	CacheDiskBytes int
	// Group is the group of the engine goroutine, one of latency and eager
	// hand-off as a rule. Default: that of the goroutine that calls New.
	Group *ggroup.Group
	// Observe, if not nil, is told about each step on the engine goroutine;
	// it must neither block nor allocate.
	Observe func(Step)
	// Log gets what is worth an operator's attention. Default slog.Default().
	Log *slog.Logger
	// EmbeddingTokens is how many tokens are embedded at once, and how long an
	// input may be. Default: the engine's. It takes 4 bytes for each of them and
	// each token of the vocabulary, once something is embedded.
	EmbeddingTokens int
	// EmbeddingSequences is how many inputs are embedded at once. Default 16.
	EmbeddingSequences int
	// EmbeddingInputs is how many inputs one Embed takes. Default 2048, as
	// OpenAI's API.
	EmbeddingInputs int
	// Pooling makes one vector of an input's. Default: the model's own or, if it
	// has none, the last token's.
	Pooling engine.Pooling

	threads func() (threads.Snapshot, error) // threads.Read, but in tests
}

// Step is what one decode did.
type Step struct {
	DecodeRows int           // sequences that got their next token
	PromptRows int           // prompt tokens
	DraftRows  int           // tokens that were guessed
	Accepted   int           // of them, those that were right
	Duration   time.Duration // of the decode alone
	Took       time.Duration // the whole step, to its last token delivered; 0 if it came to nothing
	Err        error         // of the decode
}

// mostSequences is far above what an engine's context holds, which is asked: that
// of llama.cpp no more than 256.
const mostSequences = 1 << 16

// Default bounds, with their reasons in Config.
const (
	defaultQueueLimit    = 256
	defaultQueueTokens   = 4096 // for each that may wait
	defaultSavedBytes    = 256 << 20
	defaultRingTokens    = 256
	defaultTopBytes      = 2 << 20
	defaultPrefillTokens = 128
	defaultPromptShare   = 0.25
	defaultStuckAfter    = 30 * time.Second

	defaultEmbeddingSequences = 16
	defaultEmbeddingInputs    = 2048
)

// withDefaults fills in zero fields that do not depend on the engine.
func (c Config) withDefaults() Config {
	if c.QueueLimit == 0 {
		c.QueueLimit = defaultQueueLimit
	}
	if c.QueueTokens == 0 {
		c.QueueTokens = defaultQueueTokens * c.QueueLimit
	}
	if c.SavedBytes == 0 {
		c.SavedBytes = defaultSavedBytes
	}
	if c.RingTokens == 0 {
		c.RingTokens = defaultRingTokens
	}
	if c.TopLogprobsBytes == 0 {
		c.TopLogprobsBytes = defaultTopBytes
	}
	if c.PrefillTokens == 0 {
		c.PrefillTokens = defaultPrefillTokens
	}
	if c.PromptShare == 0 {
		c.PromptShare = defaultPromptShare
	}
	c.Draft = c.Draft.WithDefaults()
	if c.Pacing == nil {
		c.Pacing = new(pace.Learned)
	}
	if c.StuckAfter == 0 {
		c.StuckAfter = defaultStuckAfter
	}
	if c.EmbeddingSequences == 0 {
		c.EmbeddingSequences = defaultEmbeddingSequences
	}
	if c.EmbeddingInputs == 0 {
		c.EmbeddingInputs = defaultEmbeddingInputs
	}
	if c.threads == nil {
		c.threads = threads.Read
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// check reports the first field out of range.
func (c Config) check() error {
	if !(c.PromptShare <= pace.MostPromptShare) {
		return fmt.Errorf("batch: check config: PromptShare is %v, allowed are up to %v", c.PromptShare, pace.MostPromptShare)
	}
	if err := c.Draft.Check(); err != nil {
		return err
	}
	for _, f := range []struct {
		name         string
		value, limit int
	}{
		{"MaxSequences", c.MaxSequences, mostSequences},
		{"QueueLimit", c.QueueLimit, 1 << 20},
		{"QueueTokens", c.QueueTokens, 1 << 40},
		{"SavedBytes", c.SavedBytes, 1 << 40},
		{"CacheBytes", max(c.CacheBytes, 0), 1 << 60},
		{"CacheDiskBytes", c.CacheDiskBytes, 1 << 60},
		{"RingTokens", c.RingTokens, 1 << 20},
		{"TopLogprobsBytes", c.TopLogprobsBytes, 1 << 30},
		{"PrefillTokens", c.PrefillTokens, 1 << 20},
		{"EmbeddingTokens", c.EmbeddingTokens, 1 << 20},
		{"EmbeddingSequences", c.EmbeddingSequences, 256},
		{"EmbeddingInputs", c.EmbeddingInputs, 1 << 20},
		{"TPOT", int(c.TPOT), ask.MaxTPOTNs},
		{"StuckAfter", int(c.StuckAfter), int(365 * 24 * time.Hour)},
	} {
		if f.value < 0 || f.value > f.limit {
			return fmt.Errorf("batch: check config: %s is %d, allowed are 0 (default) to %d", f.name, f.value, f.limit)
		}
	}
	return nil
}

// fit takes the sizes the engine has in force into account.
func (c Config) fit(l engine.Limits) (Config, error) {
	if c.MaxSequences == 0 {
		c.MaxSequences = l.MaxSequences
	}
	if c.MaxSequences > l.MaxSequences {
		return c, fmt.Errorf("batch: check config: MaxSequences is %d, the engine context holds %d: lower it or make the context larger",
			c.MaxSequences, l.MaxSequences)
	}
	if c.MaxSequences > l.BatchTokens {
		return c, fmt.Errorf("batch: check config: MaxSequences is %d, a batch holds %d tokens: raise the batch size",
			c.MaxSequences, l.BatchTokens)
	}
	return c, nil
}
