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
}
