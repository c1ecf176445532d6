package load

import (
	"encoding/json"
	"testing"
)

func TestRequestsAskForLogprobs(t *testing.T) {
	five := 5
	for _, c := range []struct {
		logprobs      *int
		chat          bool
		logprobsField any
		topField      any
	}{
		{nil, false, nil, nil},
		{nil, true, nil, nil},
		{&five, false, 5.0, nil},
		{&five, true, true, 5.0},
	} {
		body, err := Request{MaxTokens: 1, Logprobs: c.logprobs}.body(0, c.chat)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Fatal(err)
		}
		if fields["logprobs"] != c.logprobsField || fields["top_logprobs"] != c.topField {
			t.Errorf("chat %t: %s", c.chat, body)
		}
	}
}
