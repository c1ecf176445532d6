package front

import (
	"io"
	"net/http"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/ollama"
)

func (h *Handler) ollamaRoutes() []route {
	return []route{
		{"POST", "/api/chat", false, h.ollamaChat},
		{"POST", "/api/generate", false, h.ollamaGenerate},
		{"POST", "/api/embed", false, h.ollamaEmbed},
		{"POST", "/api/embeddings", false, h.ollamaEmbeddings},
		{"GET", "/api/tags", false, h.ollamaTags},
		{"GET", "/api/ps", false, h.ollamaRunning},
		{"POST", "/api/show", false, h.ollamaShow},
		{"GET", "/api/version", false, h.ollamaVersion},
		{"POST", "/api/pull", false, h.ollamaPull},
		{"POST", "/api/push", false, refuseModels},
		{"POST", "/api/create", false, refuseModels},
		{"POST", "/api/copy", false, refuseModels},
		{"DELETE", "/api/delete", false, refuseModels},
		{"", "/api/blobs/{digest}", false, refuseModels},
		{"GET", "/{$}", true, h.root},
	}
}

// ollamaModel gives the model that a client calls name.
func (h *Handler) ollamaModel(name string) (string, error) {
	m := h.cfg.Generator.Model()
	id := ollama.ID(name, m.ID)
	return id, generate.CheckModel(m, id)
}

func (h *Handler) ollamaChat(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body ollama.ChatRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	return h.ollamaAnswer(x, w, q, &body.Common, request, true)
}

func (h *Handler) ollamaGenerate(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body ollama.GenerateRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	request, err := body.Ask(h.cfg.Defaults)
	if err != nil {
		return err
	}
	return h.ollamaAnswer(x, w, q, &body.Common, request, false)
}

// ollamaAnswer answers a request, which is nil where the model is only to be
// there.
func (h *Handler) ollamaAnswer(x *exchange, w http.ResponseWriter, q *http.Request, c *ollama.Common, request *ask.Request, chat bool) error {
	id, err := h.ollamaModel(c.Model)
	if err != nil {
		return err
	}
	head := ollama.Head{Model: c.Model, Created: time.Now()}
	if request == nil {
		h.write(x, w, http.StatusOK, ollama.AppendLoaded(nil, head, chat))
		return nil
	}
	request.Model = id
	if c.Streams() {
		return h.stream(x, w, q, request, ollama.NewStream(head, chat))
	}
	return h.whole(x, w, q, request, ollama.NewAnswer(head, chat))
}

func (h *Handler) ollamaEmbed(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body ollama.EmbedRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	dimensions, err := body.Ask()
	if err != nil {
		return err
	}
	begin := time.Now()
	vectors, tokens, err := h.ollamaVectors(x, q, body.Model, body.Input, generate.EmbedOptions{Dimensions: dimensions})
	if err != nil {
		return err
	}
	return h.writeJSON(x, w, ollama.Embeddings{
		Model: body.Model, Embeddings: vectors, PromptEvalCount: tokens, TotalDuration: time.Since(begin).Nanoseconds(),
	})
}

func (h *Handler) ollamaEmbeddings(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body ollama.EmbeddingsRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	if err := body.Ask(); err != nil {
		return err
	}
	var inputs []ask.Prompt
	if body.Prompt != "" {
		inputs = []ask.Prompt{{Text: body.Prompt}}
	}
	vectors, _, err := h.ollamaVectors(x, q, body.Model, inputs, generate.EmbedOptions{})
	if err != nil {
		return err
	}
	one := ollama.Embedding{Embedding: []float32{}}
	if len(vectors) > 0 {
		one.Embedding = vectors[0]
	}
	return h.writeJSON(x, w, one)
}

// ollamaVectors embeds inputs. None asks for nothing but that the model be there.
func (h *Handler) ollamaVectors(x *exchange, q *http.Request, model string, inputs []ask.Prompt, o generate.EmbedOptions) ([][]float32, int, error) {
	if _, err := h.ollamaModel(model); err != nil {
		return nil, 0, err
	}
	embedder, ok := h.cfg.Generator.(generate.Embedder)
	if !ok {
		return nil, 0, &ask.Fault{
			Kind: ask.Unsupported, Param: "model", What: "this model gives no embeddings", Remedy: "ask a server that runs an embedding model",
		}
	}
	if len(inputs) == 0 {
		return [][]float32{}, 0, nil
	}
	vectors, tokens, err := h.embed(x, q, embedder, inputs, numberAndJSONBytes, o)
	return vectors, tokens, wire.Rename(err, "prompt", "input")
}

func (h *Handler) ollamaTags(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	m := ollama.NewModel(h.cfg.Generator.Model(), h.started)
	return h.writeJSON(x, w, ollama.ModelList{Models: []ollama.Model{m}})
}

func (h *Handler) ollamaRunning(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	m := ollama.NewRunning(h.cfg.Generator.Model(), time.Now())
	return h.writeJSON(x, w, ollama.ModelList{Models: []ollama.Model{m}})
}

func (h *Handler) ollamaShow(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body ollama.ModelRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	name, err := body.Named()
	if err != nil {
		return err
	}
	if _, err := h.ollamaModel(name); err != nil {
		return err
	}
	_, embeds := h.cfg.Generator.(generate.Embedder)
	return h.writeJSON(x, w, ollama.NewShown(h.cfg.Generator.Model(), h.started, embeds))
}

func (h *Handler) ollamaVersion(x *exchange, w http.ResponseWriter, _ *http.Request) error {
	return h.writeJSON(x, w, ollama.Version{Version: ollama.APIVersion})
}

// ollamaPull is done where the model is here: clients pull what they will use.
func (h *Handler) ollamaPull(x *exchange, w http.ResponseWriter, q *http.Request) error {
	var body ollama.ModelRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	name, err := body.Named()
	if err != nil {
		return err
	}
	if err := ollama.CheckName(name, h.cfg.Generator.Model().ID); err != nil {
		return err
	}
	return h.writeJSON(x, w, ollama.Status{Status: "success"})
}

func refuseModels(_ *exchange, _ http.ResponseWriter, q *http.Request) error {
	return &ask.Fault{
		Kind: ask.Unsupported, What: q.Method + " " + ask.Clip(q.URL.Path, ask.QuotedBytes) + " is not supported: models are not made, moved or deleted here",
		Remedy: "have the operator start this server with the model",
	}
}

// root says that the server runs. A client of ollama's looks there for it; a
// browser asks for a page.
func (h *Handler) root(x *exchange, w http.ResponseWriter, q *http.Request) error {
	if wantsPage(q) { // there is none
		return unknownPath(x, w, q)
	}
	x.account(http.StatusOK)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	h.bound(w)
	n, _ := io.WriteString(w, "Ollama is running")
	x.story.bytes += int64(n)
	return nil
}
