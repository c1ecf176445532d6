package llamaserver

import (
	"cmp"
	"math"
	"slices"

	"github.com/weirgo/weir/server/wire"
)

// RerankRequest is the body of POST /reranking: Jina's, with documents, or that of
// Text Embeddings Inference, with texts. A nil pointer is a field that the client
// left out or set to null.
type RerankRequest struct {
	Model           string    `json:"model"`
	Query           *string   `json:"query"`
	Documents       *[]string `json:"documents"`
	Texts           *[]string `json:"texts"`
	TopN            *float64  `json:"top_n"`
	ReturnDocuments bool      `json:"return_documents"`
	ReturnText      bool      `json:"return_text"`
}

// Rerank is such a request, checked.
type Rerank struct {
	Query     string
	Documents []string

	model string
	top   int
	tei   bool
	shown bool // the documents, beside their scores
}

// Check checks the form of a request. The error is an *ask.Fault.
func (r *RerankRequest) Check() (*Rerank, error) {
	if r.Query == nil {
		return nil, wire.Missing("query", "a string")
	}
	c := &Rerank{Query: *r.Query, model: r.Model}
	switch {
	case r.Texts != nil:
		c.Documents, c.tei, c.shown = *r.Texts, true, r.ReturnText
	case r.Documents != nil:
		c.Documents, c.shown = *r.Documents, r.ReturnDocuments
	}
	if len(c.Documents) == 0 {
		return nil, wire.Missing("documents", `or "texts": an array of strings that is not empty`)
	}
	c.top = len(c.Documents)
	if r.TopN != nil {
		n, err := wire.Whole("top_n", *r.TopN, 0, math.MaxInt32)
		if err != nil {
			return nil, err
		}
		c.top = min(n, c.top)
	}
	return c, nil
}

// Ranked is an answer in Jina's form.
type Ranked struct {
	Model   string       `json:"model"`
	Object  string       `json:"object"`
	Usage   RankedUsage  `json:"usage"`
	Results []RankedItem `json:"results"`
}

// RankedUsage is what it took.
type RankedUsage struct {
	Prompt int `json:"prompt_tokens"`
	Total  int `json:"total_tokens"`
}

// RankedItem is a document with its score.
type RankedItem struct {
	Index    int             `json:"index"`
	Score    float32         `json:"relevance_score"`
	Document *RankedDocument `json:"document,omitzero"`
}

// RankedDocument is a document as it was sent.
type RankedDocument struct {
	Text string `json:"text"`
}

// RankedText is an element of an answer of Text Embeddings Inference.
type RankedText struct {
	Index int     `json:"index"`
	Score float32 `json:"score"`
	Text  *string `json:"text,omitzero"`
}

// Answer is the body of the answer, the best documents first. A client that names
// no model gets the name of the one that is served.
func (c *Rerank) Answer(served string, scores []float32, tokens int) any {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	order = order[:c.top]
	if c.tei {
		texts := make([]RankedText, len(order))
		for i, at := range order {
			texts[i] = RankedText{Index: at, Score: scores[at]}
			if c.shown {
				texts[i].Text = &c.Documents[at]
			}
		}
		return texts
	}
	items := make([]RankedItem, len(order))
	for i, at := range order {
		items[i] = RankedItem{Index: at, Score: scores[at]}
		if c.shown {
			items[i].Document = &RankedDocument{c.Documents[at]}
		}
	}
	return Ranked{cmp.Or(c.model, served), "list", RankedUsage{tokens, tokens}, items}
}
