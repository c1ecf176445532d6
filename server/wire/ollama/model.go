package ollama

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// APIVersion is the version of ollama whose API this is: clients ask for it, and
// refuse to work with old ones.
const APIVersion = "0.17.4"

// latest is the tag that a name without one has.
const latest = ":latest"

// Name is a model's name as ollama's clients know it, with a tag.
func Name(id string) string {
	if strings.Contains(id, ":") {
		return id
	}
	return id + latest
}

// ID is the id of the model that a client calls name: one that is served as id
// has that name, with or without ollama's tag.
func ID(name, id string) string {
	if Name(name) == Name(id) {
		return id
	}
	return name
}

// Details are a model's.
type Details struct {
	ParentModel       string   `json:"parent_model"`
	Format            string   `json:"format"`
	Family            string   `json:"family"`
	Families          []string `json:"families"`
	ParameterSize     string   `json:"parameter_size"`
	QuantizationLevel string   `json:"quantization_level"`
}

// Model is an entry of GET /api/tags, and of GET /api/ps.
type Model struct {
	Name       string    `json:"name"`
	Model      string    `json:"model"`
	ModifiedAt time.Time `json:"modified_at,omitzero"`
	Size       uint64    `json:"size"`
	Digest     string    `json:"digest"`
	Details    Details   `json:"details"`
	// Of one that runs.
	ExpiresAt     time.Time `json:"expires_at,omitzero"`
	SizeVRAM      *uint64   `json:"size_vram,omitempty"`
	ContextLength int       `json:"context_length,omitzero"`
}

// ModelList is the body of GET /api/tags and of GET /api/ps.
type ModelList struct {
	Models []Model `json:"models"`
}

// Shown is the answer to POST /api/show.
type Shown struct {
	Modelfile    string         `json:"modelfile"`
	Parameters   string         `json:"parameters"`
	Template     string         `json:"template"`
	Details      Details        `json:"details"`
	ModelInfo    jsontext.Value `json:"model_info"`
	Capabilities []string       `json:"capabilities"`
	ModifiedAt   time.Time      `json:"modified_at"`
}

// Version is the body of GET /api/version.
type Version struct {
	Version string `json:"version"`
}

// Status is the answer to POST /api/pull.
type Status struct {
	Status string `json:"status"`
}

// Embeddings is the answer to POST /api/embed.
type Embeddings struct {
	Model           string      `json:"model"`
	Embeddings      [][]float32 `json:"embeddings"`
	TotalDuration   int64       `json:"total_duration"` // ns
	LoadDuration    int64       `json:"load_duration"`
	PromptEvalCount int         `json:"prompt_eval_count"`
}

// Embedding is the answer to POST /api/embeddings.
type Embedding struct {
	Embedding []float32 `json:"embedding"`
}

// NewModel describes a model that is served since a time, for GET /api/tags.
func NewModel(m ask.Model, since time.Time) Model {
	// There is no manifest to have a digest of: what is known stands for it.
	digest := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d\x00%d", m.ID, m.SizeBytes, m.Parameters, m.VocabSize))
	return Model{
		Name: Name(m.ID), Model: Name(m.ID), ModifiedAt: since.UTC(), Size: m.SizeBytes,
		Digest: hex.EncodeToString(digest[:]), Details: details(m),
	}
}

// NewRunning describes a model that is served, for GET /api/ps. It is not unloaded
// while the server runs; clients are told of a day from now.
func NewRunning(m ask.Model, now time.Time) Model {
	running := NewModel(m, time.Time{})
	running.ModifiedAt, running.ExpiresAt = time.Time{}, now.UTC().Add(24*time.Hour)
	running.SizeVRAM, running.ContextLength = new(uint64), m.ContextTokens
	return running
}

// NewShown describes a model that is served since a time. embeds says that it gives
// embeddings.
func NewShown(m ask.Model, since time.Time, embeds bool) Shown {
	of := details(m)
	shown := Shown{
		Modelfile: "FROM " + Name(m.ID) + "\n", Details: of, ModifiedAt: since.UTC(), ModelInfo: info(m, of.Family),
		Capabilities: []string{"completion", "tools"},
	}
	if embeds {
		shown.Capabilities = append(shown.Capabilities, "embedding")
	}
	return shown
}

// info is a model's metadata, as clients look it up: by its architecture.
func info(m ask.Model, architecture string) jsontext.Value {
	value, err := json.Marshal(map[string]any{
		"general.architecture":             architecture,
		"general.parameter_count":          m.Parameters,
		architecture + ".context_length":   m.ContextTokens,
		architecture + ".embedding_length": m.EmbeddingSize,
		architecture + ".vocab_size":       m.VocabSize,
	}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic("ollama: marshal a model's metadata: numbers cannot fail")
	}
	return value
}

// details are what a model's description says: its architecture, a size, and how
// it is quantised.
func details(m ask.Model) Details {
	d := Details{Format: "gguf", Family: "unknown", ParameterSize: size(m.Parameters), QuantizationLevel: "unknown"}
	words := strings.Fields(m.Description)
	if len(words) > 0 {
		d.Family = words[0]
	}
	if len(words) > 2 {
		d.QuantizationLevel = strings.Join(words[2:], " ")
	}
	d.Families = []string{d.Family}
	return d
}

// size is a number of parameters in the words of models' names.
func size(n uint64) string {
	for _, unit := range []struct {
		of   uint64
		name string
	}{{1e9, "B"}, {1e6, "M"}, {1e3, "K"}} {
		if n >= unit.of {
			return strconv.FormatFloat(float64(n)/float64(unit.of), 'f', 1, 64) + unit.name
		}
	}
	return strconv.FormatUint(n, 10)
}

// CheckName refuses a name that is not that of the model, where the model is to
// be had by another way than a download.
func CheckName(name, id string) error {
	if ID(name, id) == id {
		return nil
	}
	return wire.Invalid("model", "%q is not here, and this server gets no models: it serves %q", ask.Clip(name, ask.QuotedBytes), Name(id))
}
