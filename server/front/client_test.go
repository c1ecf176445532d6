package front_test

import (
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/weirgo/weir/server/generate/generatetest"
)

// What OpenAI's own client makes of the answers.

func officialClient(t *testing.T, generator *generatetest.Generator) openai.Client {
	t.Helper()
	s := serve(t, generator, nil)
	return openai.NewClient(option.WithBaseURL(s.url+"/v1/"), option.WithAPIKey("x"), option.WithMaxRetries(0))
}

func toolParams() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    "gpt-4o",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")},
		Tools: []openai.ChatCompletionToolUnionParam{
			openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
				Name: "look", Description: openai.String("looks"), Strict: openai.Bool(true),
				Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"a": map[string]string{"type": "string"}}},
			}),
			openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "go"}),
		},
		ToolChoice:      openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("auto")},
		ReasoningEffort: shared.ReasoningEffortLow,
	}
}

func checkCalls(t *testing.T, c openai.ChatCompletionChoice) {
	t.Helper()
	calls := c.Message.ToolCalls
	if c.FinishReason != "tool_calls" || c.Message.Content != "Let me" || len(calls) != 2 || calls[0].ID != "call_1" || calls[0].Function.Name != "look" ||
		calls[0].Function.Arguments != `{"a":"é"}` || calls[1].Function.Name != "go" || calls[1].Function.Arguments != "{}" {
		t.Errorf("%s", c.RawJSON())
	}
}

func TestOfficialClientCallsTools(t *testing.T) {
	client := officialClient(t, thoughtful(""))
	whole, err := client.Chat.Completions.New(t.Context(), toolParams())
	if err != nil {
		t.Fatal(err)
	}
	checkCalls(t, whole.Choices[0])
	if whole.Usage.CompletionTokensDetails.ReasoningTokens != 2 {
		t.Errorf("%s", whole.Usage.RawJSON())
	}

	stream := client.Chat.Completions.NewStreaming(t.Context(), toolParams())
	var parts openai.ChatCompletionAccumulator
	for stream.Next() {
		if !parts.AddChunk(stream.Current()) {
			t.Fatalf("a chunk that does not fit: %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	checkCalls(t, parts.Choices[0])

	// The conversation goes on with what the tools gave.
	again := toolParams()
	again.Messages = append(again.Messages, whole.Choices[0].Message.ToParam(), openai.ToolMessage("seen", "call_1"), openai.ToolMessage("gone", "call_2"))
	if _, err := client.Chat.Completions.New(t.Context(), again); err != nil {
		t.Error(err)
	}
}

func TestOfficialClientWantsSeveralAnswers(t *testing.T) {
	client := officialClient(t, numbered("éx"))
	params := openai.ChatCompletionNewParams{
		Model: "tiny", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}, N: openai.Int(3),
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), params)
	var parts openai.ChatCompletionAccumulator
	for stream.Next() {
		if !parts.AddChunk(stream.Current()) {
			t.Fatalf("a chunk that does not fit: %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil || len(parts.Choices) != 3 || parts.Choices[2].Message.Content != "éx3" || parts.Usage.CompletionTokens != 12 {
		t.Errorf("%+v, %v", parts.Choices, err)
	}
	completion, err := client.Completions.New(t.Context(), openai.CompletionNewParams{
		Model: "tiny", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"a", "b"}}, Echo: openai.Bool(true),
	})
	if err != nil || len(completion.Choices) != 2 || completion.Choices[0].Text != "aéx4" || completion.Choices[1].Text != "béx5" {
		t.Errorf("%+v, %v", completion, err)
	}
}

func TestOfficialClientWantsResponses(t *testing.T) {
	client := officialClient(t, thoughtful(""))
	params := responses.ResponseNewParams{
		Model: "gpt-4o", Instructions: openai.String("be brief"),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hi")},
		Tools: []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{Name: "look", Strict: param.NewOpt(true), Parameters: map[string]any{"type": "object"}}}},
	}
	whole, err := client.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if whole.OutputText() != "Let me" || len(whole.Output) != 4 || whole.Output[0].AsReasoning().Content[0].Text != "hm\n€" ||
		whole.Output[2].AsFunctionCall().Arguments != `{"a":"é"}` || whole.Status != "completed" || whole.Usage.OutputTokensDetails.ReasoningTokens != 2 {
		t.Errorf("%s", whole.RawJSON())
	}
	stream := client.Responses.NewStreaming(t.Context(), params)
	text, arguments, last := "", "", ""
	for stream.Next() {
		switch e := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += e.Delta
		case responses.ResponseFunctionCallArgumentsDeltaEvent:
			arguments += e.Delta
		case responses.ResponseCompletedEvent:
			last = e.Response.OutputText()
		}
	}
	if err := stream.Err(); err != nil || text != "Let me" || arguments != `{"a":"é"}{}` || last != text {
		t.Errorf("%q, %q, %q, %v", text, arguments, last, err)
	}

	// All that came back may be sent again.
	input := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage("hi", "user")}
	for _, item := range whole.Output {
		switch item := item.AsAny().(type) {
		case responses.ResponseReasoningItem:
			p := item.ToParam()
			input = append(input, responses.ResponseInputItemUnionParam{OfReasoning: &p})
		case responses.ResponseOutputMessage:
			p := item.ToParam()
			input = append(input, responses.ResponseInputItemUnionParam{OfOutputMessage: &p})
		case responses.ResponseFunctionToolCall:
			p := item.ToParam()
			output := responses.ResponseInputItemParamOfFunctionCallOutput("done")
			output.OfFunctionCallOutput.CallID = openai.String(item.CallID)
			input = append(input, responses.ResponseInputItemUnionParam{OfFunctionCall: &p}, output)
		}
	}
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: input}
	if _, err := client.Responses.New(t.Context(), params); err != nil {
		t.Error(err)
	}
	if _, err := client.Responses.Get(t.Context(), whole.ID, responses.ResponseGetParams{}); err == nil {
		t.Error("a response was stored")
	}
	models, err := client.Models.List(t.Context())
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "tiny" {
		t.Errorf("%+v, %v", models, err)
	}
}
