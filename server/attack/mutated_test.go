package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMutatedBodies sends mutated JSON to both kinds of server, which must say
// the same of it: refuse what is no JSON, answer or say what is wrong with the
// rest.
func TestMutatedBodies(t *testing.T) {
	t.Parallel()
	count := times(100_000, 1_000)
	t.Logf("%d bodies, -seed=%d", count, *seedFlag)
	var servers []*target
	for _, backend := range backends {
		servers = append(servers, start(t, backend))
	}
	counts := sendMutated(t, servers, count)
	for status, n := range counts {
		t.Logf("status %d: %d", status, n)
	}
	if counts[http.StatusOK] < count/50 || counts[http.StatusBadRequest] < count/10 {
		t.Errorf("the mutations are too wild or too tame: %v", counts)
	}
	for _, s := range servers {
		s.comesToRest(t)
		s.ends(t)
	}
}

// maxReports bounds what a failing run says.
const maxReports = 20

// sendMutated sends all bodies from as many clients as there are sequences,
// and counts the first server's answers.
func sendMutated(t *testing.T, servers []*target, count int) map[int]int {
	var next, failures atomic.Int64
	var mu sync.Mutex
	counts := map[int]int{}
	var all sync.WaitGroup
	for range sequences {
		all.Go(func() {
			clients := make([]client, len(servers))
			for i := range clients {
				clients[i].server = servers[i]
				defer clients[i].close()
			}
			for {
				number := int(next.Add(1)) - 1
				if number >= count || failures.Load() > maxReports {
					return
				}
				status, err := sendOne(clients, newMutator(*seedFlag, number).body())
				if err != nil {
					failures.Add(1)
					t.Errorf("body %d: %v", number, err)
				}
				mu.Lock()
				counts[status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return counts
}

// sendOne sends one body to all servers.
func sendOne(clients []client, b body) (status int, err error) {
	var first []byte
	for i := range clients {
		got, answer, err := clients[i].do("POST", b.path, b.text)
		answer = requestID.ReplaceAll(answer, nil)
		switch {
		case err != nil:
			return got, fmt.Errorf("%w: POST %s of %s", err, b.path, shorten(b.text))
		case got == http.StatusOK && !json.Valid([]byte(strings.TrimPrefix(b.text, "\ufeff"))):
			return got, fmt.Errorf("status 200 for what is no JSON: POST %s of %s", b.path, shorten(b.text))
		case i == 0:
			status, first = got, answer
		case got != status || got >= 400 && string(answer) != string(first):
			return got, fmt.Errorf("%d %s from one server, %d %s from the other: POST %s of %s",
				status, shorten(string(first)), got, shorten(string(answer)), b.path, shorten(b.text))
		}
	}
	return status, nil
}

// requestID is what a request is called in an error, by each server in another
// way.
var requestID = regexp.MustCompile(`"request_id":"[^"]*"`)

// shorten quotes a text, its middle left out if it is long.
func shorten(text string) string {
	const most = 300
	if len(text) <= 2*most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q… (%d bytes) …%q", text[:most], len(text), text[len(text)-most:])
}
