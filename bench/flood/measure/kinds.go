package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/weirgo/weir/bench/internal/exchange"
)

// kind is a flood's request, and the status of its answer.
type kind struct {
	request func() ([]byte, error)
	status  int
}

var kinds = map[string]kind{
	"tokenize": {tokenizeRequest, http.StatusOK},
	"refused":  {refusedRequest, http.StatusBadRequest},
	"metrics":  {func() ([]byte, error) { return exchange.Get("/metrics"), nil }, http.StatusOK},
	"debug":    {func() ([]byte, error) { return exchange.Get("/health"), nil }, http.StatusOK},
}

const sentence = "the quick brown fox jumps over the lazy dog. "

func tokenizeRequest() ([]byte, error) {
	body, err := json.Marshal(map[string]string{"content": strings.Repeat(sentence, *textBytes/len(sentence)+1)[:*textBytes]})
	if err != nil {
		return nil, err
	}
	return exchange.Post("/tokenize", string(body)), nil
}

// refusedRequest is a conversation of many small parts and calls, the last of
// whose messages is of nobody: all of it is read before that is seen.
func refusedRequest() ([]byte, error) {
	turn := fmt.Sprintf(`{"role":"user","content":[{"type":"text","text":%q},{"type":"text","text":"And?"}]},`+
		`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"at\":[1,2,3]}"}}]},`+
		`{"role":"tool","tool_call_id":"call_1","content":"\u0066ound"},`, sentence)
	body := `{"model":"tiny","stream":true,"messages":[` + strings.Repeat(turn, max(1, *bodyBytes/len(turn))) +
		`{"role":"nobody","content":"?"}]}`
	if !json.Valid([]byte(body)) {
		return nil, fmt.Errorf("not JSON: %.200s", body)
	}
	return exchange.Post("/v1/chat/completions", body), nil
}
