package front

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Vertex is where Vertex AI reaches a container, in which it sends requests of
// other APIs, several at once. The zero value is that it does not.
// Source: Google Cloud's custom container requirements, and llama-server.
type Vertex struct {
	Predict string // path of predictions, "/predict" for example
	Health  string // another path of /health
}

// How many requests come in one prediction, and how many of them are answered
// at a time: the others would wait in the queue, and fill it for other clients.
const (
	mostInstances   = 128
	instancesAtOnce = 8
)

// vertexRoutes adds the routes of Vertex AI, in which others are asked for; all
// that there are have been added.
func (h *Handler) vertexRoutes(others []route) error {
	v := h.cfg.Vertex
	var all []route
	if v.Predict != "" {
		formats := formatsOf(others)
		predict := func(x *exchange, w http.ResponseWriter, q *http.Request) error { return h.predict(x, w, q, formats) }
		all = append(all, route{"POST", v.Predict, false, predict})
	}
	if v.Health != "" {
		all = append(all, route{"GET", v.Health, true, h.health})
	}
	for _, r := range all {
		if r.path[0] != '/' || r.path == "/" || path.Clean(r.path) != r.path || strings.ContainsAny(r.path, "{} ") {
			return fmt.Errorf("front: check config: %q is no path for Vertex AI; give one such as /predict", r.path)
		}
		if _, taken := h.mux.Handler(&http.Request{Method: r.method, URL: &url.URL{Path: r.path}}); taken == r.path {
			return fmt.Errorf("front: check config: the path %s for Vertex AI is taken; give another", r.path)
		}
		h.add(r)
	}
	return nil
}

// formatsOf returns the routes that an instance can ask for: by their paths, and
// by these in one word, without /v1. Of two of a name the first counts.
func formatsOf(routes []route) map[string]*route {
	formats := map[string]*route{}
	for i := range routes {
		r := &routes[i]
		if r.method == "" || strings.Contains(r.path, "{") {
			continue
		}
		for _, name := range []string{r.path, formatName(r.path)} {
			if _, taken := formats[name]; !taken {
				formats[name] = r
			}
		}
	}
	return formats
}

// formatName is "chatCompletions" for /v1/chat/completions.
func formatName(route string) string {
	words := strings.FieldsFunc(strings.TrimPrefix(route, "/v1"), func(c rune) bool { return strings.ContainsRune("/-_", c) })
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.Join(words, "")
}

// predict answers each instance as the route that it names would. What is wrong
// with one is told in its place.
func (h *Handler) predict(x *exchange, w http.ResponseWriter, q *http.Request, formats map[string]*route) error {
	if err := h.refuseWhileDraining(); err != nil {
		return err
	}
	body, err := h.receiveBody(x, w, q)
	if err != nil {
		return err
	}
	if err := x.input.hold(wire.DecodedBytes(body)); err != nil {
		return err
	}
	var request struct {
		Instances []jsontext.Value `json:"instances"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return &ask.Fault{Kind: ask.InvalidJSON, What: "the body is no JSON object with an array of instances", Remedy: `send {"instances": [{"@requestFormat": "chatCompletions", …}]}`}
	}
	if n := len(request.Instances); n == 0 {
		return wire.Missing("instances", `send [{"@requestFormat": "chatCompletions", …}]`)
	} else if n > mostInstances {
		return wire.Invalid("instances", "%d instances are more than %d", n, mostInstances)
	}
	p := prediction{h: h, x: x, q: q, ctx: x.attend(q), formats: formats, answers: make([][]byte, len(request.Instances))}
	p.held = x.input.held
	// Each instance is a request of the key's, the whole is none: a key that may
	// have one in flight would wait for itself.
	x.visit.Leave()
	atOnce := instancesAtOnce
	if x.tenant != nil && x.tenant.InFlight > 0 {
		atOnce = min(atOnce, x.tenant.InFlight)
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, instance := range request.Instances {
		group.Go(func() error {
			p.answer(i, instance)
			return nil
		})
	}
	_ = group.Wait() // none fails
	if p.broken != nil {
		panic(p.broken)
	}
	if err := p.ctx.Err(); err != nil {
		return ask.GivenUp(err)
	}
	h.write(x, w, http.StatusOK, []byte(`{"predictions":[`), bytes.Join(p.answers, []byte{','}), []byte("]}"))
	return nil
}

// prediction is instances on their way to their answers.
type prediction struct {
	h       *Handler
	x       *exchange
	q       *http.Request
	ctx     context.Context // while there is a client
	formats map[string]*route
	answers [][]byte // of the instances, in order; one has one writer

	mu     sync.Mutex
	held   int64 // bytes of the body and of the answers so far
	broken any   // what a handler has panicked with, for net/http to see
}

// answer finds one instance's answer.
func (p *prediction) answer(i int, instance jsontext.Value) {
	defer func() {
		if v := recover(); v != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.broken = v
		}
	}()
	answer, err := p.ask(instance)
	if err == nil {
		err = p.hold(len(answer))
	}
	if err != nil {
		answer = p.x.dialect.fault(nil, short(faultOf(err)), "")
	}
	p.answers[i] = answer
}

// hold takes memory for an answer until the last is there.
func (p *prediction) hold(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += int64(n)
	return p.x.input.hold(p.held)
}

// ask sends one instance along its route.
func (p *prediction) ask(instance jsontext.Value) ([]byte, error) {
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal(instance, &members); err != nil || members == nil {
		return nil, wire.Invalid("instances", "an instance is no JSON object")
	}
	var name string
	if err := json.Unmarshal(members["@requestFormat"], &name); err != nil {
		return nil, wire.Missing("@requestFormat", `name what each instance is, as "chatCompletions"`)
	}
	r := p.formats[name]
	if r == nil {
		return nil, wire.Invalid("@requestFormat", "%q is no request of this server; chatCompletions is one", name)
	}
	delete(members, "@requestFormat")
	if _, ok := members["stream"]; ok {
		members["stream"] = jsontext.Value("false") // there is one answer to all
	}
	body, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	answer := jsontext.Value(p.dispatch(r, body))
	if !answer.IsValid() {
		return nil, wire.Invalid("@requestFormat", "the answer of %s is no JSON, and has no place in a prediction", r.path)
	}
	return answer, nil
}

// dispatch is the request of one instance, with the key of the whole. A client
// that goes is seen by the whole, which is why this one is told to be of a
// protocol that has no probes.
func (p *prediction) dispatch(r *route, body []byte) []byte {
	inner := p.q.Clone(p.ctx)
	inner.Method, inner.URL, inner.Body = r.method, &url.URL{Path: r.path}, io.NopCloser(bytes.NewReader(body))
	inner.ContentLength, inner.Proto, inner.ProtoMajor, inner.ProtoMinor = int64(len(body)), "HTTP/2.0", 2, 0
	for _, name := range []string{"Content-Encoding", "Content-Length", "Expect", "Te"} {
		inner.Header.Del(name)
	}
	inner.Header.Set("Content-Type", "application/json")
	w := &recorder{header: http.Header{}}
	p.h.dispatch(w, inner, r)
	return w.body.Bytes()
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
