// Package batch is continuous batching: one goroutine that decodes the
// sequences of many requests together and hands each its tokens.
//
// # Model
//
// A [Loop] owns an engine context. Requests reach it through a bounded
// lock-free ring with many producers; tokens leave through one bounded
// lock-free ring for each request, its [Generation], which a single goroutine
// reads. Between the two runs the engine goroutine:
//
//	take new requests, drop cancelled ones and those whose time is over
//	admit up to MaxSequences, those of higher tiers in the places of lower ones
//	wake the readers of those that ended by that
//	batch: one token of each decoding sequence, pieces of prompts, then drafts
//	decode; meanwhile helpers ask constraints what may come next
//	sample the finished rows, together with helpers if that takes long
//	for each: put the token, or several, into its ring, post it
//	wake the readers
//
// and begins the next decode at once. Turning tokens into text and bytes is the
// readers' work, on the other cores. Log-probabilities are read from a row where
// it lies, before or, with PostSampling, after the steps of sampling: what travels
// through the ring is a few numbers. With nothing to decode
// the goroutine parks. A reader sleeps in a [mailbox.Feed] that names those of
// its generations with something to read ([Generation.Announce]); what a decode
// gave them wakes it once, however many they are, and only if it sleeps.
//
// Prompts share what the decoding sequences leave of a batch, and no more than
// [Config.PrefillTokens] while somebody decodes: half for the shortest, the
// rest in order of arrival. So running streams keep their pace, short prompts
// start soon, and long ones always get on.
//
// Package queue says who is admitted next: by tier, by the weight of the key, in turns
// among a key's flows, and in a flow as they come; requests of nobody, as they come.
// What is computed for a generation is charged to its flow, so that the batch is
// shared, too. Where somebody of a higher tier waits and there is no place, the
// sequence of the lowest tier that was admitted last gives up its own: its state is
// saved, if the engine can and [Config.SavedBytes] allows, and otherwise computed
// again. So does, within a tier, one of several that a key has there to the key that is
// next and has none, once it has generated some tokens. A step is the highest tier's
// that takes part in it: those of lower ones get as many rows of it as lengthen it by
// 8 %, by what steps cost, none beside a prompt of it, and the sixteenth of the tokens
// that each tier with work keeps. Where a higher tier was there lately, the steps of
// lower ones take few tokens of prompts: who comes waits for the step under way.
//
// With an objective for the time between two tokens, the server's ([Config].TPOT) or
// that of somebody who decodes, they get as many tokens as a step within it has time
// for instead. Package pace says how many, by what the steps before have taken: the
// whole step, from taking in requests to the last token delivered. A client's objective
// leaves prompts [Config].PromptShare of the time: it slows those of others down by a
// bounded factor.
//
// Behind the token of a decoding sequence a step may compute tokens that are guessed, by
// what is there already ([Config].Draft, package draft) or by a smaller model
// ([Config].DraftModel), whose own decodes come between the plan of a step and its decode.
// Each is sampled in turn, by the sequence's own sampler
// and with its form, until one is not what was guessed; then the rest is cut off the
// cache. So a step gives several tokens at once, and they are those that single steps
// would give. Guesses get what a step has room and time for beside prompts, by what
// package pace says that a row of them costs; where they are seldom right, or many
// decode, there are none, but for a token that is looked up now and then: what a row
// costs is learned of rows alone.
//
// A request that wants its first token within a time (ask.Request.TTFTNs) is refused by
// Submit if those who came before are expected to take longer.
//
// A [Job] is a request with what its vocabulary makes of it: a constraint that
// holds it to a form, DRY's breakers. With Echo and log-probabilities the tokens
// of the prompt are results too, from the second on: each piece of the prompt then
// gives logits for all its tokens, as many as fit into the ring and into 64 MiB of
// logits a step.
//
// Between two steps the engine goroutine also frees its contexts, and makes them again
// ([Loop.Sleep], [Loop.Wake]): with them goes what is left in places, and nothing else.
//
// Vectors of texts ([Loop.Embed]) are computed by the same goroutine between two
// steps, in a context of their own that the first call makes. While streams run, a
// batch of them is no larger than a prompt's pieces, or one input.
//
// A request begins with what is computed of its tokens already, and says how many
// that were. What a generation has computed stays in its place when it has ended,
// until somebody needs the place, the one that was used longest ago first; package
// prefix finds what a prompt begins with, among live sequences, too. Who goes on from
// what is left in a free place is computed there; who begins alike and goes on
// otherwise gets a copy. What is left is moved, where the engine has states, so that
// those who run are neighbours: an engine computes a run of sequences at once.
// What must go is saved before, outside of the context ([Config].CacheBytes and
// [Config].CacheDir; package kvstore), unless that would hold up those who run, and
// restored for who begins like it, if that is faster than to compute. Who waits for a
// file is not admitted meanwhile; an idle loop writes what is left, for who comes after
// a kill. [Config].NoPrefixCache, [Config].PrefixPerTenant and a request's Reuse and
// CacheSalt bound that. Models whose sequences cannot be cut or copied reuse what is
// left only where all of it is gone on with. Who begins like a prompt that is being
// computed waits until it is, where what that saves takes longer than a step: of
// several that come together with one prompt it is computed once.
//
// A request may name its place among the sequences, and may keep: then it is told
// its place, and what is left stays there. What is left in a place can be saved,
// restored and erased ([Loop.SaveSlot]); the engine goroutine does it between two
// steps, once the place is free.
//
// What a step costs does not depend on how many wait: prompts that wait are a running
// sum for each tier, deadlines a heap, cancellations a list. Admission costs as much as
// there are keys and flows with requests, however many others are known.
//
// A sequence whose context is full ends with ask.FinishLength, and its Finish says so.
// With [Config].ContextShift it goes on without some of its tokens (ask.Request.Shift);
// what is computed of it is from then on nobody else's beginning, stays in no place, and
// is computed again from the tokens that are left if the sequence loses its place.
//
// # What can go wrong
//
// A constraint or a bias that leaves no token ends its generation with
// ask.FinishError and a fault of the client's.
//
// A reader that does not read pauses its own sequence when its ring is full,
// and nothing else; the sequence goes on once half the ring is free. A cancelled
// generation, waiting or running, is gone after the step that is under way.
//
// engine.ErrNoCacheSpace halves the prompt pieces until the batch fits. If not
// even one prompt token fits, the sequence admitted last (a paused one first)
// is evicted: its cache is freed, it waits at the head of the queue, and its
// tokens are computed again when another sequence has ended. A sequence alone
// in the cache that cannot grow ends with ask.FinishLength, or with ask.FinishError if
// it has not generated anything. Any other decode error ends the generations in
// that batch with ask.FinishError; the others go on.
//
// A decode that takes longer than Config.StuckAfter may never return. While the
// engine goroutine decodes, what it has belongs to who holds a lock: so a timer
// ends all generations in its place, with ask.FinishError, and Submit refuses until
// the decode has returned. Long before that, within seconds, one of which no operation
// ends is seen to be wedged, however starved the process is of processors
// ([Loop.Live]); nothing follows from that here. Close does so too; what it then waits for is the
// context.
//
//	loop, err := batch.New(model, engine.ContextConfig{}, batch.Config{MaxSequences: 8})
//	...
//	gen, err := loop.Submit(&ask.Request{Prompt: ask.Prompt{Tokens: prompt}, TopLogprobs: -1})
//	...
//	entry.Init(feed, gen)
//	gen.Announce(&entry)
//	for {
//		feed.Wait()
//		ready = feed.Take(ready[:0])
//		for _, entry := range ready {
//			gen := entry.Owner().(*batch.Generation)
//			n, err := gen.Poll(results[:]) // until n is 0
//			for _, r := range results[:n] {
//				text = model.AppendPiece(text, r.Token, false)
//			}
//			if err == io.EOF {
//				finish := gen.Finish()
//				...
//			}
//		}
//	}
//
// # Limits
//
// Who waits for a place of its own takes nobody else's, and holds nobody up. A key
// that is short of tokens, but has a sequence, gets more when others' end. A deadline
// passes at the beginning of a step: with no step to do, who waits ends when it is
// cancelled. Whether a first token will be in time is told by all that is to be computed
// for its tier and higher ones: that keys and flows take turns is not foreseen.
// Two that run share no
// cache, but one may begin as a copy of the other. A state is saved as a whole: one that
// is larger than what those who run are to wait for is lost when its place is taken, and
// so is what is needed between a copy and the next decode. Evicted sequences are not
// saved. Restored slots are of no tenant. Guesses that are wrong are charged to nobody.
// They are made for models whose sequences can be cut alone (engine.Context.CanCut), and
// under a [Config].Pacing that knows what they cost. One request is one sequence. The tokens a
// sequence generates do not depend on what else is in the batch as long as the
// engine's arithmetic does not: with engine.ContextConfig.FixedShape it does not.
package batch
