package front

import (
	"net/http"

	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/openai"
)

func (h *Handler) model() openai.Model {
	return openai.NewModel(h.cfg.Generator.Model(), h.started.Unix())
}

func (h *Handler) listModels(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	return h.writeJSON(x, w, openai.NewModelList(h.model()))
}

func (h *Handler) getModel(x *exchange, w http.ResponseWriter, q *http.Request) error {
	if err := generate.CheckModel(h.cfg.Generator.Model(), q.PathValue("id")); err != nil {
		return err
	}
	return h.writeJSON(x, w, h.model())
}
