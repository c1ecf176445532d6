package generate

import "context"

// Ranker is a Generator whose model may have learnt how well documents answer a
// query.
type Ranker interface {
	// Rank returns a number for each document, in order, larger for better ones, and
	// the tokens of all. The error is an *ask.Fault: ask.NotServed of a model that
	// has learnt something else. It ends early when ctx is done.
	Rank(ctx context.Context, query string, documents []string) (scores []float32, tokens int, err error)
}
