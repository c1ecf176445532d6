package engine

// RankingModel is an EmbeddingModel that may have learnt how well a document
// answers a query: with PoolingRank the first number of a vector says it.
type RankingModel interface {
	EmbeddingModel
	// Ranking says how a query and a document become one text. It reports false of
	// a model that is no reranker.
	Ranking() (Ranking, bool)
}

// Ranking is what is around a query and a document. With a template it is a text,
// where {query} and {document} stand for them; else it is tokens.
type Ranking struct {
	Template            string
	Begin, Between, End []Token
}
