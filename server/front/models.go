package front

import (
	"net/http"
	"slices"

	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/anthropic"
	"github.com/weirgo/weir/server/wire/openai"
)

func (h *Handler) model() openai.Model {
	m := openai.NewModel(h.cfg.Generator.Model(), h.started.Unix())
	m.Aliases, m.Tags = h.cfg.Llama.Aliases, h.cfg.Llama.Tags
	return m
}

func (h *Handler) listModels(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	if x.dialect == anthropicDialect {
		return h.writeJSON(x, w, anthropic.NewModelList(h.anthropicModel()))
	}
	return h.writeJSON(x, w, openai.NewModelList(h.model()))
}

func (h *Handler) getModel(x *exchange, w http.ResponseWriter, q *http.Request) error {
	if name := q.PathValue("id"); !slices.Contains(h.cfg.Llama.Aliases, name) {
		if err := generate.CheckModel(h.cfg.Generator.Model(), name); err != nil {
			return err
		}
	}
	if x.dialect == anthropicDialect {
		return h.writeJSON(x, w, h.anthropicModel())
	}
	return h.writeJSON(x, w, h.model())
}
