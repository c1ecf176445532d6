package front_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// openGroup opens a group for the time of a test.
func openGroup(t *testing.T, name string, how ...ggroup.Option) *ggroup.Group {
	t.Helper()
	group, err := ggroup.Open(name, how...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return group
}

// seen is the groups that those who tell were in. It is a collector as well.
type seen struct {
	mu    sync.Mutex
	names []string
}

func (s *seen) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = append(s.names, ggroup.Current().Name())
}

func (s *seen) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.names
	s.names = nil
	return names
}

func (s *seen) Describe(out chan<- *prometheus.Desc) { out <- seenDesc }

func (s *seen) Collect(chan<- prometheus.Metric) { s.tell() }

var seenDesc = prometheus.NewDesc("seen", "Nothing.", nil, nil)

func (s *seen) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.tell()
	w.WriteHeader(http.StatusOK)
}

// watched is a model that tells who looks at it.
type watched struct {
	model
	by *seen
}

func (w watched) Properties() generate.Properties {
	w.by.tell()
	return w.model.Properties()
}

func (w watched) Sequences() []generate.Sequence {
	w.by.tell()
	return w.model.Sequences()
}

// Metrics, the page and what is to be known of the server are served in the group for
// that, and nothing else is, on the same connection before or after.
func TestServiceHasItsGroup(t *testing.T) {
	by := new(seen)
	generator := &generatetest.Generator{Reply: "x", Refuse: func(*ask.Request) error { by.tell(); return nil }}
	s := serve(t, generator, func(c *front.Config) {
		c.Generator = watched{model{Generator: generator}, by}
		c.Service, c.Page, c.Collectors = openGroup(t, "service"), by, []prometheus.Collector{by}
	})
	by.take() // New has looked
	for _, c := range []struct{ method, path, body, group string }{
		{"GET", "/metrics", "", "service"},
		{"POST", "/v1/completions", `{"prompt":"x"}`, ""},
		{"GET", "/", "", "service"},
		{"GET", "/ui/app.js", "", "service"},
		{"POST", "/v1/completions", `{"prompt":"x","stream":true}`, ""},
		{"GET", "/slots", "", "service"},
		{"GET", "/props", "", "service"},
		{"POST", "/v1/completions", `{"prompt":"x"}`, ""},
	} {
		status, _, answer := s.do(t, c.method, c.path, c.body, map[string]string{"Content-Type": "application/json", "Accept": "text/html"})
		names := by.take()
		if status != http.StatusOK || len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return name != c.group }) {
			t.Errorf("%s %s: status %d in the groups %q, want %q: %.100s", c.method, c.path, status, names, c.group, answer)
		}
	}
}

// A server whose group is closed, as at its end, serves all the same.
func TestServiceAfterItsGroup(t *testing.T) {
	by := new(seen)
	group, err := ggroup.Open("closed")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, &generatetest.Generator{}, func(c *front.Config) { c.Service, c.Collectors = group, []prometheus.Collector{by} })
	by.take() // New has looked
	if err := group.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := s.do(t, http.MethodGet, "/metrics", "", nil); status != http.StatusOK || !slices.Equal(by.take(), []string{""}) {
		t.Errorf("status %d", status)
	}
}

// hogs use up a group's quota until they are stopped.
func hogs(t *testing.T, group *ggroup.Group, n int) (stop func()) {
	t.Helper()
	var over atomic.Bool
	var all sync.WaitGroup
	for range n {
		all.Add(1)
		ggroup.BindTo(group, func() {
			defer all.Done()
			for !over.Load() {
			}
		})
	}
	return func() {
		over.Store(true)
		all.Wait()
	}
}

// outOfQuota opens a group and uses up its quota until stop. Where others leave the
// process less time than the quota, there is a smaller one.
func outOfQuota(t *testing.T) (group *ggroup.Group, stop func()) {
	t.Helper()
	for share := .04; ; share /= 10 {
		group = openGroup(t, "service", ggroup.WithClass(ggroup.Background), ggroup.WithCPUQuota(share))
		if missing := group.Stats().NotInEffect; len(missing) > 0 {
			t.Skipf("not supported: %s %s", missing[0].Option, missing[0].Why)
		}
		stop = hogs(t, group, 1)
		s := group.Stats()
		for s.Throttled == 0 && s.Running < time.Second {
			ggroup.Yield()
			s = group.Stats()
		}
		if s.Throttled > 0 {
			return group, stop
		}
		stop()
	}
}

// While the group is out of quota, with scrapes stopped wherever they may be, streams
// go on and requests are counted; and the scrapes, that come last, come to their end.
func TestServiceOutOfQuota(t *testing.T) {
	group, stop := outOfQuota(t)
	defer stop()
	s := serve(t, &generatetest.Generator{Reply: strings.Repeat("go on ", 40)}, func(c *front.Config) { c.Service = group })
	scrapes := make(chan int, 2)
	for range cap(scrapes) {
		go func() {
			status, _ := get(s.url + "/metrics")
			scrapes <- status
		}()
	}
	for n := range 20 {
		path := []string{"/v1/completions", "/none"}[n%2] // by labels that are new, too
		status, _, answer := s.post(t, path, `{"prompt":"x","stream":true}`)
		if n%2 == 0 && (status != http.StatusOK || !strings.HasSuffix(answer, "data: [DONE]\n\n")) || n%2 == 1 && status != http.StatusNotFound {
			t.Errorf("%s: status %d, %.100s", path, status, answer)
		}
	}
	for range cap(scrapes) {
		if status := <-scrapes; status != http.StatusOK {
			t.Errorf("a scrape ends with status %d", status)
		}
	}
	stop()
	if s := group.Stats(); s.Throttled == 0 || s.Created == 0 {
		t.Errorf("out of quota for %v, %d goroutines", s.Throttled, s.Created)
	}
}

// get gets an address, with status 0 where that fails.
func get(url string) (status int, body string) {
	response, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// tiered is an embedder that tells of what tier its clients are.
type tiered struct {
	*embedder
	tiers chan ask.Tier
}

func (e tiered) Embed(ctx context.Context, inputs []ask.Prompt, o generate.EmbedOptions) ([][]float32, int, error) {
	e.tiers <- ask.TierOf(ctx)
	return e.embedder.Embed(ctx, inputs, o)
}

// What is done with texts before there is a request, or where there is none, is known
// to be of the client's tier.
func TestTierOfTexts(t *testing.T) {
	e := tiered{new(embedder), make(chan ask.Tier, 1)}
	s := serve(t, &e.Generator, func(c *front.Config) { c.Generator, c.Background = e, openGroup(t, "background") })
	for value, want := range map[string]ask.Tier{"u=7": ask.TierBackground, "u=5": ask.TierStandard, "u=0": ask.TierStandard, "": ask.TierStandard} {
		status, _, answer := s.do(t, http.MethodPost, "/v1/embeddings", `{"input":"x"}`, map[string]string{"Content-Type": "application/json", "Priority": value})
		if got := <-e.tiers; status != http.StatusOK || got != want {
			t.Errorf("%q: status %d, %v, want %v: %s", value, status, got, want, answer)
		}
	}
}
