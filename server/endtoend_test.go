package server_test

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"golang.org/x/sync/errgroup"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

const (
	modelID = "tiny"
	key     = "sk-end-to-end"
)

// real is the whole house over the engine library and the tiny model.
type real struct {
	url       string
	client    openai.Client
	generator *local.Generator
}

func serveReal(t *testing.T) *real {
	t.Helper()
	return serveRealOn(t, iouring.BackendAuto)
}

func serveRealOn(t *testing.T, backend iouring.Backend) *real {
	t.Helper()
	model := llamatest.Load(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	template, err := chat.New(model.Info().ChatTemplate, "", "")
	if err != nil {
		t.Fatal(err)
	}
	generator, err := local.New(model, local.Config{
		ID: modelID, Template: template,
		Context:  engine.ContextConfig{MaxSequences: 16, ContextTokens: 16 * 2048},
		Batching: local.Batching{Log: log},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := generator.Close(); err != nil {
			t.Error(err)
		}
	})
	handler, server := listen(t, backend, clients{}, front.Config{
		Generator: generator, Keys: []string{key}, Log: log, Streams: fanout.Config{Backend: backend},
	})
	t.Cleanup(func() {
		server.Close()
		handler.Close()
	})
	return &real{
		url:       server.URL,
		client:    openai.NewClient(option.WithBaseURL(server.URL+"/v1/"), option.WithAPIKey(key), option.WithMaxRetries(0)),
		generator: generator,
	}
}

func chatParams(text string, maxTokens int64) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:               modelID,
		Messages:            []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("be brief"), openai.UserMessage(text)},
		MaxCompletionTokens: openai.Int(maxTokens),
		Temperature:         openai.Float(0),
	}
}

func completionParams(prompt string, maxTokens int64) openai.CompletionNewParams {
	return openai.CompletionNewParams{
		Model:       modelID,
		Prompt:      openai.CompletionNewParamsPromptUnion{OfString: openai.String(prompt)},
		MaxTokens:   openai.Int(maxTokens),
		Temperature: openai.Float(0),
	}
}

func TestClientDrivesChat(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveRealOn(t, backend)
		params := chatParams("Tell me about rivers.", 24)
		whole, err := s.client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		choice := whole.Choices[0]
		if choice.Message.Content == "" || choice.Message.Role != "assistant" || whole.Model != modelID || whole.Object != "chat.completion" {
			t.Errorf("answer %s", whole.RawJSON())
		}
		if u := whole.Usage; u.CompletionTokens < 1 || u.CompletionTokens > 24 || u.TotalTokens != u.PromptTokens+u.CompletionTokens {
			t.Errorf("usage %+v", u)
		}

		params.StreamOptions.IncludeUsage = openai.Bool(true)
		stream := s.client.Chat.Completions.NewStreaming(t.Context(), params)
		var parts openai.ChatCompletionAccumulator
		roles := 0
		for stream.Next() {
			chunk := stream.Current()
			if !parts.AddChunk(chunk) {
				t.Fatalf("chunk does not fit: %s", chunk.RawJSON())
			}
			if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Role != "" {
				roles++
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if got := parts.Choices[0]; got.Message.Content != choice.Message.Content || got.FinishReason != choice.FinishReason || roles != 1 {
			t.Errorf("streamed %q (%s, %d role chunks), whole %q (%s)", got.Message.Content, got.FinishReason, roles,
				choice.Message.Content, choice.FinishReason)
		}
		if parts.Usage.TotalTokens != whole.Usage.TotalTokens || parts.Usage.CompletionTokens != whole.Usage.CompletionTokens {
			t.Errorf("streamed usage %+v, whole %+v", parts.Usage, whole.Usage)
		}
	})
}

func TestClientDrivesCompletions(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveRealOn(t, backend)
		params := completionParams("Once upon a time", 24)
		whole, err := s.client.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if whole.Choices[0].Text == "" || whole.Object != "text_completion" {
			t.Errorf("answer %s", whole.RawJSON())
		}
		stream := s.client.Completions.NewStreaming(t.Context(), params)
		var text strings.Builder
		reason := ""
		for stream.Next() {
			choice := stream.Current().Choices[0]
			text.WriteString(choice.Text)
			reason += string(choice.FinishReason)
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if text.String() != whole.Choices[0].Text || reason != string(whole.Choices[0].FinishReason) {
			t.Errorf("streamed %q (%s), whole %q (%s)", text.String(), reason, whole.Choices[0].Text, whole.Choices[0].FinishReason)
		}
	})
}

func TestClientSeesErrors(t *testing.T) {
	s := serveReal(t)
	params := completionParams(strings.Repeat("long ", 2500), 8)
	_, err := s.client.Completions.New(t.Context(), params)
	e, ok := errors.AsType[*openai.Error](err)
	if !ok || e.StatusCode != http.StatusBadRequest || e.Code != "context_length_exceeded" || !strings.Contains(e.Message, "2048 tokens") {
		t.Errorf("prompt too long: %v", err)
	}
	_, err = s.client.Models.Get(t.Context(), "other")
	if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != http.StatusNotFound || e.Code != "model_not_found" {
		t.Errorf("unknown model: %v", err)
	}
	if model, err := s.client.Models.Get(t.Context(), modelID); err != nil || model.ID != modelID {
		t.Errorf("model %v, %v", model, err)
	}
	_, err = s.client.Models.List(t.Context(), option.WithAPIKey("wrong"))
	if e, ok := errors.AsType[*openai.Error](err); !ok || e.StatusCode != http.StatusUnauthorized || e.Code != "invalid_api_key" {
		t.Errorf("wrong key: %v", err)
	}
}

// All of the vocabulary's probabilities sum to 1, in both of OpenAI's forms.
func TestLogprobsSumToOne(t *testing.T) {
	s := serveReal(t)
	vocab := int64(s.generator.Model().VocabSize)
	check := func(what string, sum float64) {
		if math.Abs(sum-1) > 1e-3 {
			t.Errorf("%s: probabilities sum to %v", what, sum)
		}
	}
	params := chatParams("Count.", 4)
	params.Logprobs, params.TopLogprobs = openai.Bool(true), openai.Int(vocab)
	answer, err := s.client.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	entries := answer.Choices[0].Logprobs.Content
	if int64(len(entries)) != answer.Usage.CompletionTokens {
		t.Errorf("%d entries for %d tokens", len(entries), answer.Usage.CompletionTokens)
	}
	for i, entry := range entries {
		sum := 0.0
		for _, top := range entry.TopLogprobs {
			sum += math.Exp(top.Logprob)
		}
		check(fmt.Sprintf("chat token %d", i), sum)
		if first := entry.TopLogprobs[0]; int64(len(entry.TopLogprobs)) != vocab || first.Token != entry.Token || first.Logprob != entry.Logprob {
			t.Errorf("greedy token %d is %q (%v), the likeliest of %d is %q (%v)", i, entry.Token, entry.Logprob,
				len(entry.TopLogprobs), first.Token, first.Logprob)
		}
	}
	text := completionParams("Count.", 4)
	text.Logprobs = openai.Int(vocab)
	completion, err := s.client.Completions.New(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for i, top := range completion.Choices[0].Logprobs.TopLogprobs {
		sum := 0.0
		for _, logprob := range top {
			sum += math.Exp(logprob)
		}
		check(fmt.Sprintf("completion token %d", i), sum)
	}
}

// tokensOf generates from a prompt and returns text and tokens.
func (s *real) tokensOf(ctx context.Context, prompt string) (string, []string, error) {
	params := completionParams(prompt, 32)
	params.Logprobs = openai.Int(0)
	answer, err := s.client.Completions.New(ctx, params)
	if err != nil {
		return "", nil, err
	}
	return answer.Choices[0].Text, answer.Choices[0].Logprobs.Tokens, nil
}

func TestBatchedEqualsAlone(t *testing.T) {
	s := serveReal(t)
	const prompts = 16
	type output struct {
		text   string
		tokens []string
	}
	prompt := func(i int) string { return fmt.Sprintf("Prompt %d: %s", i, strings.Repeat("water ", 1+3*i)) }
	var alone, batched [prompts]output
	for i := range alone {
		for range 2 { // the same prompt twice gives the same text
			text, tokens, err := s.tokensOf(t.Context(), prompt(i))
			if err != nil {
				t.Fatal(err)
			}
			if alone[i].tokens != nil && strings.Join(tokens, "|") != strings.Join(alone[i].tokens, "|") {
				t.Errorf("prompt %d gave %q, then %q", i, alone[i].tokens, tokens)
			}
			alone[i] = output{text, tokens}
		}
	}
	group, ctx := errgroup.WithContext(t.Context())
	for i := range batched {
		group.Go(func() (err error) {
			batched[i].text, batched[i].tokens, err = s.tokensOf(ctx, prompt(i))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range alone {
		if batched[i].text != alone[i].text || strings.Join(batched[i].tokens, "|") != strings.Join(alone[i].tokens, "|") {
			t.Errorf("prompt %d: alone %q\nbatched %q", i, alone[i].tokens, batched[i].tokens)
		}
	}
}

// post sends a body and returns the open answer.
func (s *real) post(t *testing.T, ctx context.Context, path, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// A random model at a high temperature emits many pieces of characters.
func TestChunksAreWholeCharacters(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveRealOn(t, backend)
		for seed := range 8 {
			body := fmt.Sprintf(`{"prompt":"é€😀","seed":%d,"temperature":2,"top_k":0,"top_p":1,"min_p":0,"max_tokens":100,"ignore_eos":true,"stream":true}`, seed)
			response := s.post(t, t.Context(), "/v1/completions", body)
			var streamed strings.Builder
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() {
				data, ok := strings.CutPrefix(lines.Text(), "data: ")
				if !ok || data == "[DONE]" {
					continue
				}
				if !utf8.ValidString(data) {
					t.Fatalf("seed %d: broken character in %q", seed, data)
				}
				var chunk openai.Completion
				if err := json.Unmarshal([]byte(data), &chunk); err != nil {
					t.Fatalf("%q: %v", data, err)
				}
				streamed.WriteString(chunk.Choices[0].Text)
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
			whole, err := io.ReadAll(s.post(t, t.Context(), "/v1/completions", strings.Replace(body, `"stream":true`, `"stream":false`, 1)).Body)
			if err != nil {
				t.Fatal(err)
			}
			var answer openai.Completion
			if err := json.Unmarshal(whole, &answer); err != nil {
				t.Fatal(err)
			}
			if got := answer.Choices[0].Text; got != streamed.String() {
				t.Errorf("seed %d: streamed %q, whole %q", seed, streamed.String(), got)
			}
		}
	})
}

func TestTokenizeRoundTrip(t *testing.T) {
	s := serveReal(t)
	for _, text := range []string{"", "plain words", " leading", "é€😀\n\t\x01", "日本語 العربية"} {
		content, err := json.Marshal(map[string]string{"content": text})
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := io.ReadAll(s.post(t, t.Context(), "/tokenize", string(content)).Body)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Content string `json:"content"`
		}
		response := s.post(t, t.Context(), "/detokenize", string(tokens))
		if err := json.UnmarshalRead(response.Body, &got); err != nil || got.Content != text {
			t.Errorf("%q became %s and then %q, %v", text, tokens, got.Content, err)
		}
	}
}

func TestRealDisconnectFreesTheSequence(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveRealOn(t, backend)
		ctx, cancel := context.WithCancel(t.Context())
		response := s.post(t, ctx, "/v1/chat/completions",
			`{"messages":[{"role":"user","content":"go on"}],"ignore_eos":true,"stream":true}`)
		if _, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		cancel()
		wait(t, s.generator, "the freed sequence", func(st local.Stats) bool {
			return st.Active == 0 && st.KVTokens == 0 && st.Finished[ask.FinishAborted] == 1
		})
	})
}
