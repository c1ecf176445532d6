package llamaserver

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Prompt is a prompt as it was read.
type Prompt struct {
	Text   string // of its tokens, control tokens included
	Tokens int
}

// Reply renders the answers to a request, streamed or whole. It belongs to one
// goroutine.
type Reply struct {
	c        *Completion
	about    ask.Model
	settings []byte // of all answers, behind the seed
	repeated int    // bytes of the request that whole answers repeat
	answers  []answer
}

// answer is one of them, as far as it is known.
type answer struct {
	seed      uint32
	slot      int // that was named, from 1; 0 for none
	prompt    *Prompt
	content   []byte // of a whole answer: JSON, without quotes
	tokens    []byte // likewise, without brackets
	probs     []byte // likewise, of several answers; of one they are in the body
	places    int    // of probabilities
	predicted int
	newLine   bool
	end       ask.End
}

// NewReply renders the answers that requests ask for: c.PerPrompt for each of
// prompts. One answer is an object, several are an array.
func NewReply(c *Completion, about ask.Model, requests []*ask.Request, prompts []Prompt) *Reply {
	r := &Reply{c: c, about: about, answers: make([]answer, len(requests))}
	r.settings = c.AppendSettings(nil, &c.Request)
	for i := range r.answers {
		r.repeated += len(r.settings) + len(prompts[i/c.PerPrompt].Text)
		r.answers[i].seed, r.answers[i].prompt = requests[i].Sampling.Seed, &prompts[i/c.PerPrompt]
		r.answers[i].slot = requests[i].Slot
	}
	return r
}

// Append appends what an event adds: a frame of a stream, or to the body.
func (r *Reply) Append(dst []byte, ev *ask.Event) []byte {
	a := &r.answers[ev.Choice]
	switch {
	case ev.ChoiceEnd != nil:
		return r.appendEnd(dst, ev.Choice, ev.ChoiceEnd)
	case ev.End == nil:
		a.take(ev)
		if r.c.stream {
			return r.appendChunk(dst, ev)
		}
		return r.gather(dst, a, ev)
	case len(r.answers) == 1:
		return r.appendEnd(dst, 0, ev.End)
	case r.c.stream:
		return dst // each has said its end
	}
	dst = append(dst, '[')
	for i := range r.answers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.appendWhole(dst, i)
	}
	return append(dst, ']')
}

// take notes what an event tells of its answer.
func (a *answer) take(ev *ask.Event) {
	a.predicted += max(len(ev.Tokens), len(ev.Logprobs))
	a.newLine = a.newLine || slices.Contains(ev.Text, '\n')
}

// appendChunk appends what a stream's client gets of an event.
func (r *Reply) appendChunk(dst []byte, ev *ask.Event) []byte {
	if len(ev.Text) == 0 && len(ev.Tokens) == 0 && ev.Progress == nil {
		return dst // everything is held back
	}
	a := &r.answers[ev.Choice]
	dst = append(dst, `data: {"index":`...)
	dst = strconv.AppendInt(dst, int64(ev.Choice), 10)
	dst = append(dst, `,"content":`...)
	dst = wire.AppendJSONString(dst, ev.Text)
	dst = append(dst, `,"tokens":[`...)
	dst = appendTokens(dst, ev.Tokens)
	dst = append(dst, `],"stop":false,"id_slot":`...)
	dst = strconv.AppendInt(dst, int64(a.slot-1), 10)
	dst = append(dst, `,"tokens_predicted":`...)
	dst = strconv.AppendInt(dst, int64(a.predicted), 10)
	dst = append(dst, `,"tokens_evaluated":`...)
	dst = strconv.AppendInt(dst, int64(a.prompt.Tokens), 10)
	dst = wire.AppendProgress(wire.AppendSoFar(dst, ev), ev)
	if len(ev.Logprobs) > 0 {
		dst = append(dst, `,"completion_probabilities":[`...)
		for i := range ev.Logprobs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = r.appendPlace(dst, &ev.Logprobs[i])
		}
		dst = append(dst, ']')
	}
	return append(dst, "}\n\n"...)
}

func appendTokens(dst []byte, tokens []ask.Token) []byte {
	for i, t := range tokens {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(t), 10)
	}
	return dst
}

// gather keeps what an event adds to a whole answer. Of one answer what grows
// most, the probabilities, goes straight into the body.
func (r *Reply) gather(dst []byte, a *answer, ev *ask.Event) []byte {
	a.content = wire.AppendJSONText(a.content, ev.Text)
	if len(ev.Tokens) > 0 {
		if len(a.tokens) > 0 {
			a.tokens = append(a.tokens, ',')
		}
		a.tokens = appendTokens(a.tokens, ev.Tokens)
	}
	if !r.selects(probabilities) {
		return dst
	}
	to := &dst
	if len(r.answers) > 1 {
		to = &a.probs
	}
	for i := range ev.Logprobs {
		if a.places++; a.places > 1 {
			*to = append(*to, ',')
		}
		*to = r.appendPlace(*to, &ev.Logprobs[i])
	}
	return dst
}

// appendEnd appends the end of an answer.
func (r *Reply) appendEnd(dst []byte, at int, end *ask.End) []byte {
	a := &r.answers[at]
	a.end = *end
	if !r.c.stream {
		if len(r.answers) == 1 && a.places > 0 {
			dst = append(dst, `]}`...)
		}
		return dst
	}
	dst = append(dst, "data: "...)
	dst = append(r.appendMembers(dst, at), '}')
	return append(dst, "\n\n"...)
}

// appendWhole appends one of several whole answers.
func (r *Reply) appendWhole(dst []byte, at int) []byte {
	a := &r.answers[at]
	dst = r.appendMembers(dst, at)
	if a.places > 0 {
		dst = appendProbabilitiesBegin(dst)
		dst = append(append(dst, a.probs...), ']')
	}
	return append(dst, '}')
}

const probabilities = "completion_probabilities"

func appendProbabilitiesBegin(dst []byte) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), probabilities...), `":[`...)
}

// Head is the body's beginning, when all else is there.
func (r *Reply) Head() []byte {
	if len(r.answers) > 1 {
		return nil
	}
	dst := r.appendMembers(nil, 0)
	if r.answers[0].places > 0 {
		return appendProbabilitiesBegin(dst)
	}
	return append(dst, '}')
}

// HeldBytes is what Head will be made of, and the end of several answers.
func (r *Reply) HeldBytes() int {
	n := r.repeated // known before anything is generated: what is too much is refused then
	for i := range r.answers {
		a := &r.answers[i]
		n += cap(a.content) + cap(a.tokens) + cap(a.probs)
	}
	return n
}

// AppendFault appends a failure in mid-stream; the body of a failure is another.
func (r *Reply) AppendFault(dst []byte, f *ask.Fault) []byte {
	if !r.c.stream {
		return dst
	}
	return wire.AppendFrame(dst, AppendFault(nil, f, StatusInMidStream))
}

// StatusInMidStream is the code of a failure that comes too late for a status.
const StatusInMidStream = 500

// selects reports whether the client wants a member of the answer.
func (r *Reply) selects(name string) bool {
	return len(r.c.fields) == 0 || slices.Contains(r.c.fields, name)
}

// appendMembers appends an answer that has ended, but for its probabilities, and
// leaves the object open.
func (r *Reply) appendMembers(dst []byte, at int) []byte {
	a := &r.answers[at]
	end := &a.end
	o := object{dst: append(dst, '{')}
	members := [...]struct {
		name   string
		append func([]byte) []byte
	}{
		{"index", func(b []byte) []byte { return strconv.AppendInt(b, int64(at), 10) }},
		{"content", func(b []byte) []byte { return append(append(append(b, '"'), a.content...), '"') }},
		{"tokens", func(b []byte) []byte { return append(append(append(b, '['), a.tokens...), ']') }},
		{"id_slot", func(b []byte) []byte { return strconv.AppendInt(b, int64(max(a.slot, end.Slot)-1), 10) }},
		{"stop", func(b []byte) []byte { return append(b, "true"...) }},
		{"model", func(b []byte) []byte { return wire.AppendJSONString(b, r.about.ID) }},
		{"tokens_predicted", func(b []byte) []byte { return strconv.AppendInt(b, int64(end.CompletionTokens), 10) }},
		{"tokens_evaluated", func(b []byte) []byte { return strconv.AppendInt(b, int64(end.PromptTokens), 10) }},
		{"generation_settings", func(b []byte) []byte { return r.appendSettings(b, a) }},
		{"prompt", func(b []byte) []byte { return wire.AppendJSONString(b, a.prompt.Text) }},
		{"has_new_line", func(b []byte) []byte { return strconv.AppendBool(b, a.newLine) }},
		{"truncated", func(b []byte) []byte { return strconv.AppendBool(b, end.ContextFull || end.Shifted) }},
		{"stop_type", func(b []byte) []byte { return wire.AppendJSONString(b, stopType(end)) }},
		{"stopping_word", func(b []byte) []byte { return wire.AppendJSONString(b, end.StopString) }},
		{"tokens_cached", func(b []byte) []byte { return strconv.AppendInt(b, int64(end.CachedTokens), 10) }},
		{"timings", func(b []byte) []byte { return wire.AppendTimings(b, end) }},
	}
	if len(r.c.fields) == 0 {
		for _, m := range members {
			o.name(m.name)
			o.dst = m.append(o.dst)
		}
		return o.dst
	}
	written, made := map[string]bool{probabilities: true}, map[string][]byte{}
	for _, field := range r.c.fields {
		name, path, nested := strings.Cut(field, "/")
		for _, m := range members {
			if m.name != name || written[field] {
				continue
			}
			if made[name] == nil { // the prompt, say, once however many names begin so
				made[name] = m.append(nil)
			}
			value := made[name]
			if nested {
				value = inside(value, path)
			}
			if value != nil {
				o.raw(field, value)
			}
			written[field] = true
		}
	}
	return o.dst
}

// inside returns what is at a path of members in a JSON value, nil if nothing is.
func inside(value jsontext.Value, path string) jsontext.Value {
	for name := range strings.SplitSeq(path, "/") {
		var object map[string]jsontext.Value
		if value.Kind() != '{' || json.Unmarshal(value, &object) != nil {
			return nil
		}
		value = object[name]
	}
	return value
}

// appendSettings appends the options in force for an answer.
func (r *Reply) appendSettings(dst []byte, a *answer) []byte {
	dst = append(dst, `{"seed":`...)
	dst = strconv.AppendUint(dst, uint64(a.seed), 10)
	return append(append(dst, ','), r.settings...)
}

// stopType is llama-server's word for how an answer ended.
func stopType(end *ask.End) string {
	switch {
	case end.Reason == ask.FinishLength:
		return "limit"
	case end.StopString != "":
		return "word"
	}
	return "eos"
}
