package ask

// Model describes a model that is served.
type Model struct {
	ID             string // its name in the API
	VocabSize      int
	TrainedContext int // tokens, as trained
	ContextTokens  int // that a request has for its prompt and its answer
	EmbeddingSize  int
	Parameters     uint64
	SizeBytes      uint64
	// Description is its architecture, its size and its quantisation in words,
	// "llama 1B Q4_0", "" if nobody knows.
	Description string
}
