// Package network is a small transformer of the Llama architecture that can be
// trained: its weights, what it makes of tokens, and the gradients.
//
// # Model
//
// A layer is RMS norm, attention with rotated positions and fewer heads of keys
// than of queries, RMS norm, and a gated part, each added to what went in. The
// embedding is the output's matrix too. Forward and backward passes are written
// out by hand; there is no graph.
//
// A [Batch] is sequences one after the other, without filling: all products go
// over its rows, and attention over one sequence at a time. Only rows that have
// a target get logits.
//
//	n, err := network.New(shape, workers)
//	n.Init(seed)
//	result := n.Train(batch)      // adds to n.Gradients
//	n.Step(&adam)                 // changes n.Weights, clears n.Gradients
//
// Work is dealt out to goroutines in tasks that write disjoint places, each in a
// fixed order: results are the same bits for any number of workers.
//
// # Limits
//
// A Network belongs to one goroutine. Its memory grows to the largest batch seen,
// about 50 kB a token for the demo model.
package network
