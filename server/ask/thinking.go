package ask

// Thinking bounds what a model thinks before it answers. The zero value does not.
type Thinking struct {
	Bounded bool
	// Tokens is how many it thinks at most; then the thought is ended for it.
	Tokens int
	// Message is said at the end of such a thought.
	Message string
}
