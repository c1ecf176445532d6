package front

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/openai"
)

// LlamaServer is what llama-server's command line says beside what others say. The
// zero value says nothing.
type LlamaServer struct {
	// Prefix comes before every path, "/llm" for example.
	Prefix string
	// Props accepts POST /props, NoSlots serves no /slots.
	Props, NoSlots bool
	// Verbose shows the prompts of chats beside their answers.
	Verbose bool
	// SuffixFirst has /infill put the suffix before the prefix.
	SuffixFirst bool
	// Aliases are all names of the model, if it has several, and Tags what is said
	// of it.
	Aliases, Tags []string
	// Timings adds to OpenAI's answers how long they took.
	Timings bool

	// What all requests leave out, of every dialect.
	Stop         []string
	IgnoreEOS    bool
	RawReasoning bool
	Thinking     ask.Thinking
	Format       ask.Format
	TemplateArgs []byte // a JSON object; what a client sends goes before
	// Now is the time of day that chat templates are told of. nil: they are told
	// nothing beside TemplateArgs.
	Now func() time.Time
}

// fill gives requests what the operator has said of all.
func (h *Handler) fill(requests ...*ask.Request) {
	l := &h.cfg.Llama
	for _, r := range requests {
		if r.MaxTokens == 0 {
			r.MaxTokens = h.cfg.Defaults.MaxTokens // also of who asks for no bound
		}
		if len(r.Stop) == 0 {
			r.Stop = l.Stop
		}
		if r.Format.Kind == ask.FormatText && len(r.Tools) == 0 {
			r.Format = l.Format
		}
		if !r.Thinking.Bounded {
			r.Thinking.Bounded, r.Thinking.Tokens = l.Thinking.Bounded, l.Thinking.Tokens
		}
		if r.Thinking.Message == "" {
			r.Thinking.Message = l.Thinking.Message
		}
		r.IgnoreEOS = r.IgnoreEOS || l.IgnoreEOS
		r.RawReasoning = r.RawReasoning || l.RawReasoning
		if r.Messages != nil {
			r.TemplateArgs = mergeObjects(mergeObjects(l.tell(h.told, r), l.TemplateArgs), r.TemplateArgs)
		}
	}
}

// mergeObjects returns the members of two JSON objects; those of the second go
// before. What is no object is left to who reads it.
func mergeObjects(base, over []byte) []byte {
	if len(base) == 0 || len(over) == 0 {
		return append(base[:len(base):len(base)], over...)
	}
	merged, more := map[string]jsontext.Value{}, map[string]jsontext.Value{}
	if json.Unmarshal(base, &merged) != nil || json.Unmarshal(over, &more) != nil || merged == nil {
		return over
	}
	for name, value := range more {
		merged[name] = value
	}
	object, err := json.Marshal(merged, json.Deterministic(true))
	if err != nil {
		return over
	}
	return object
}

// timed adds timings to the shape of an answer, if they are wanted.
func (h *Handler) timed(s openai.Shape) openai.Shape {
	s.Timings = h.cfg.Llama.Timings || s.EachTimings
	if s.Explained {
		s.Scheduler = h.cfg.Scheduler
	}
	return s
}

// within takes the prefix off a request's path. It reports false of one without it.
func (l *LlamaServer) within(q *http.Request) (*http.Request, bool) {
	if l.Prefix == "" {
		return q, true
	}
	rest, ok := strings.CutPrefix(q.URL.Path, l.Prefix)
	if !ok || rest != "" && rest[0] != '/' {
		return q, false
	}
	if rest == "" {
		rest = "/"
	}
	u := *q.URL
	u.Path, u.RawPath = rest, ""
	inside := *q
	inside.URL = &u
	return &inside, true
}

// toFolder sends a browser that asks for the prefix, as in asked, to what is below it:
// the page names its files relative to where it is. It reports false of other paths.
func (l *LlamaServer) toFolder(w http.ResponseWriter, asked string) bool {
	if l.Prefix == "" || asked != l.Prefix {
		return false
	}
	w.Header().Set("Location", path.Base(l.Prefix)+"/") // below whatever prefix a proxy has
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}
