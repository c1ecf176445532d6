package llama

import (
	"strconv"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

var _ engine.RankingModel = (*model)(nil)

// Ranking returns the model's own template, or the tokens that its vocabulary puts
// around texts.
func (m *model) Ranking() (engine.Ranking, bool) {
	if !m.ranks() {
		return engine.Ranking{}, false
	}
	var r engine.Ranking
	if r.Template, _ = m.Metadata("tokenizer.chat_template.rerank"); r.Template != "" {
		return r, true
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.handle == 0 {
		return engine.Ranking{}, false
	}
	c, separator := m.lib.c, engine.Token(m.lib.c.Separator(m.vocab))
	end := m.info.EOS
	if end < 0 {
		end = separator
	}
	add := func(to *[]engine.Token, token engine.Token, added bool) {
		if added && token >= 0 {
			*to = append(*to, token)
		}
	}
	add(&r.Begin, m.info.BOS, c.AddsBOS(m.vocab))
	add(&r.Between, end, c.AddsEOS(m.vocab))
	add(&r.Between, separator, c.AddsSeparator(m.vocab))
	add(&r.End, end, c.AddsEOS(m.vocab))
	return r, true
}

// ranks reports whether the model says that it is a reranker: of others the
// library takes the process down.
func (m *model) ranks() bool {
	architecture, _ := m.Metadata("general.architecture")
	pooling, _ := m.Metadata(architecture + ".pooling_type")
	return pooling == strconv.Itoa(sys.PoolingRank)
}
