package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
)

// message is one of a chat's.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// usage is what a server says that a request took.
type usage struct {
	PromptTokens int `json:"prompt_tokens"`
	Details      struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// converse has all conversations and sets what was reused of their prompts.
func converse(ctx context.Context, r *sample.Recorder, url string) (failed int) {
	system := message{"system", text(rand.New(rand.NewPCG(2, 2)), *systemWords)}
	var mu sync.Mutex
	var all usage
	began := time.Now()
	var clients sync.WaitGroup
	for n := range *conversations {
		clients.Go(func() {
			u, missing := conversation(ctx, url, system, rand.New(rand.NewPCG(3, uint64(n))))
			mu.Lock()
			defer mu.Unlock()
			all.PromptTokens += u.PromptTokens
			all.Details.CachedTokens += u.Details.CachedTokens
			failed += missing
		})
	}
	clients.Wait()
	r.Set("conversations/seconds", time.Since(began).Seconds())
	r.Set("conversations/prompt_tokens", float64(all.PromptTokens))
	r.Set("conversations/cached_share", float64(all.Details.CachedTokens)/float64(max(all.PromptTokens, 1)))
	return failed
}

// conversation has all turns of one, and returns what they took, and how many have no
// answer: all from the first on that has none.
func conversation(ctx context.Context, url string, system message, random *rand.Rand) (all usage, missing int) {
	messages := []message{system}
	for turn := range *turns {
		messages = append(messages, message{"user", text(random, *userWords)})
		u, said, err := chat(ctx, url, messages, *answer)
		if err != nil {
			return all, *turns - turn
		}
		all.PromptTokens += u.PromptTokens
		all.Details.CachedTokens += u.Details.CachedTokens
		messages = append(messages, message{"assistant", said})
	}
	return all, 0
}

// chat asks for an answer of so many tokens at most.
func chat(ctx context.Context, url string, messages []message, tokens int) (u usage, said string, err error) {
	body, err := json.Marshal(map[string]any{"messages": messages, "max_tokens": tokens, "temperature": 0})
	if err != nil {
		return u, "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return u, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return u, "", err
	}
	defer response.Body.Close()
	whole, err := io.ReadAll(response.Body)
	if err != nil {
		return u, "", err
	}
	var got struct {
		Choices []struct{ Message message }
		Usage   usage
	}
	if err := json.Unmarshal(whole, &got); err != nil || response.StatusCode != http.StatusOK || len(got.Choices) == 0 {
		return u, "", fmt.Errorf("chat: %s: %.200s", response.Status, whole)
	}
	return got.Usage, got.Choices[0].Message.Content, nil
}
