package front_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/server/front"
)

// gated is a collector that waits.
type gated struct {
	*prometheus.Desc
	collected int
	open      chan struct{}
}

func (g *gated) Describe(to chan<- *prometheus.Desc) { to <- g.Desc }

func (g *gated) Collect(to chan<- prometheus.Metric) {
	g.collected++ // of one at a time
	<-g.open
	to <- prometheus.MustNewConstMetric(g.Desc, prometheus.CounterValue, float64(g.collected))
}

// Scrapes that come while one collects get what it collects; the next one collects
// anew.
func TestScrapesAtOnceCollectOnce(t *testing.T) {
	c := &gated{Desc: prometheus.NewDesc("collected", "how often", nil, nil)}
	change := func(cfg *front.Config) { cfg.Collectors = []prometheus.Collector{c} }
	inVirtualTime(t, &timed{}, change, func(t *testing.T, h *front.Handler) {
		c.open = make(chan struct{})
		answers := make([]string, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = answerOf(h, http.MethodGet, "/metrics").Body.String() })
		}
		synctest.Wait()
		close(c.open)
		all.Wait()
		for _, text := range answers {
			if !strings.Contains(text, "\ncollected 1\n") {
				t.Errorf("a scrape lacks what the first has collected: %.200q", text)
			}
		}
		if text := answerOf(h, http.MethodGet, "/metrics").Body.String(); !strings.Contains(text, "\ncollected 2\n") {
			t.Errorf("a scrape after them does not collect anew: %.200q", text)
		}
	})
}
