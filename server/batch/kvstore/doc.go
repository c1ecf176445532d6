// Package kvstore keeps states of sequences beside the KV cache: in memory, and what
// memory has no room for in files. A prompt that begins like one of them need not be
// computed so far.
//
// # Model
//
// A [Store] has entries: the tokens of a prefix, and the state that an engine has
// computed of them, which [Store.Put] takes over. [Store.Match] finds the entry that
// shares the most tokens with a prompt, of those of one [Key]: who is to be kept apart
// from others has a key of his own, in memory and in files.
//
// Memory is outside Go's heap, bounded by [Config].RAMBytes; the entry used longest ago
// goes first. With a directory each entry is written soon after it has come, by a
// goroutine of the store, so that it costs nothing to let go of its memory, and a server
// that is killed finds it again. Files together have [Config].DiskBytes at most. An
// entry that is in a file alone is read by another goroutine ([Store.Lease]) before it
// can be used. What the two have done is taken in by [Store.Collect].
//
//	in memory ── written ──► in memory and file ── memory is full ──► in a file
//	     └── memory is full, and the writer busy ──► gone          ◄── Lease ──┘
//
// An entry that is the beginning of a new one goes: a state can be cut.
//
//	id, ok := store.Put(key, tokens, memory, state)
//	...
//	if found, ok := store.Match(key, prompt, false); ok {
//		lease := store.Lease(found.ID) // nil: it cannot be fetched now
//		...                            // until it does not wait any more
//		restore(lease.State())
//		lease.End()
//	}
//
// [Speeds] says when that is faster than to compute.
//
// # Files
//
// A file has the form of package slotfile, is whole or not there, and is named by its
// key. The directory is one process's at a time. At the start heads of files are read
// alone; each is compared with its sum when it is read whole. One that is damaged, or of
// another model or engine, is removed, with a line in the log.
//
// # Limits
//
// A Store belongs to one goroutine at a time, but for [Store.Stats] and [Store.Ready]. Memory may
// be above its bound by what is being written, which is queueBytes or one state, and by
// what is fetched, which is fetchLimit states. A file's name tells that two prefixes are
// of one key, and its content is as readable as the conversation: the directory is for
// the server's user alone.
package kvstore
