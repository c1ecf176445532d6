package openai

import (
	"encoding/json/jsontext"
	"errors"
	"iter"
	"maps"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// What may be sent beside the fields that the request types have.
var (
	chatFields       = join(sharedFields, chatOnly)
	completionFields = join(sharedFields, completionOnly)
	responseFields   = join(sharedFields, responseOnly)
)

// sharedFields are of requests for text.
var sharedFields = map[string]wire.Rule{
	// OpenAI's.
	"user": wire.Ignored, "metadata": wire.Ignored, "store": wire.Ignored,
	"safety_identifier": wire.Ignored, "prompt_cache_key": wire.Ignored, "prompt_cache_retention": wire.Ignored,
	// vLLM's.
	"request_id": wire.Ignored, "priority": wire.Ignored, "length_penalty": wire.Ignored,
	"guided_decoding_backend": wire.Ignored, "spaces_between_special_tokens": wire.Ignored,
	"use_beam_search":            wire.Neutral("false"),
	"early_stopping":             wire.Neutral("false"),
	"stop_token_ids":             wire.Neutral("[]"),
	"bad_words":                  wire.Neutral("[]"),
	"allowed_token_ids":          wire.Neutral("[]"),
	"include_stop_str_in_output": wire.Neutral("false"),
	"skip_special_tokens":        wire.Neutral("true"),
	"truncate_prompt_tokens":     wire.Neutral("-1"),
	"prompt_logprobs":            wire.Neutral(),
	"return_tokens_as_token_ids": wire.Neutral("false"),
	"return_token_ids":           wire.Neutral("false"),
	"logits_processors":          wire.Neutral("[]"),
	"kv_transfer_params":         wire.Neutral("{}"),
	"vllm_xargs":                 wire.Neutral("{}"),
	"mm_processor_kwargs":        wire.Neutral("{}"),
	"repetition_detection":       wire.Neutral(),
	"structural_tag":             wire.Neutral(),
	"guided_regex":               wire.Neutral(`""`),
	"guided_whitespace_pattern":  wire.Neutral(`""`),
	// llama-server's.
	"slot_id":       wire.Ignored,
	"n_cache_reuse": wire.Ignored, "sse_ping_interval": wire.Ignored, "backend_sampling": wire.Ignored,
	"return_tokens":        wire.Neutral("false"),
	"post_sampling_probs":  wire.Neutral("false"),
	"response_fields":      wire.Neutral("[]"),
	"samplers":             wire.Neutral("[]", `["penalties","dry","top_n_sigma","top_k","typ_p","top_p","min_p","xtc","temperature"]`),
	"grammar_lazy":         wire.Neutral("false"),
	"grammar_triggers":     wire.Neutral("[]"),
	"preserved_tokens":     wire.Neutral("[]"),
	"lora":                 wire.Neutral("[]"),
	"t_max_predict_ms":     wire.Neutral("0", "-1"),
	"t_max_prompt_ms":      wire.Neutral("0", "-1"),
	"n_indent":             wire.Neutral("0"),
	"adaptive_target":      wire.Neutral("-1", "-1.0"),
	"adaptive_decay":       wire.Ignored,
	"speculative.p_min":    wire.Ignored,
	"top_a":                wire.Neutral("0", "0.0"), // of routers
	"tfs_z":                wire.Neutral("1", "1.0"),
	"extra_body":           wire.Neutral("{}"),
	"extra_headers":        wire.Neutral("{}"),
	"penalize_nl":          wire.Neutral("false"),
	"reasoning_in_content": wire.Neutral("false"),
	"thinking_forced_open": wire.Neutral("false"),
}

var chatOnly = map[string]wire.Rule{
	"prediction": wire.Ignored, "parse_tool_calls": wire.Neutral("true"),
	"modalities":         wire.Neutral(`["text"]`),
	"audio":              wire.Neutral(),
	"web_search_options": wire.Neutral(),
	"chat_template":      wire.Neutral(`""`),
	"add_special_tokens": wire.Neutral("false"),
	"echo":               wire.Neutral("false"),
	"suffix":             wire.Neutral(`""`),
	"reasoning_control":  wire.Neutral("false"),
	"tool_stream":        wire.Ignored,
	"parallel_calls":     wire.Neutral("true"),
	"safe_prompt":        wire.Neutral("false"), // Mistral's
	"prompt_mode":        wire.Neutral(),
	"transforms":         wire.Neutral("[]"), // OpenRouter's
	"models":             wire.Neutral("[]"),
	"route":              wire.Ignored,
	"provider":           wire.Ignored,
	"plugins":            wire.Neutral("[]"),
	"usage":              wire.Ignored,
	"keep_alive":         wire.Ignored, // ollama's
	"chat_id":            wire.Ignored, // Open WebUI's
	"session_id":         wire.Ignored,
	"id":                 wire.Ignored,
}

var completionOnly = map[string]wire.Rule{
	"suffix":             wire.Neutral(`""`),
	"add_special_tokens": wire.Neutral("true"),
	"prompt_embeds":      wire.Neutral(),
	"keep_alive":         wire.Ignored,
	"raw":                wire.Ignored,
	// A prompt does not say where thoughts are.
	"reasoning_budget": wire.Neutral("-1"), "thinking_budget": wire.Neutral("-1"), "thinking_token_budget": wire.Neutral("-1"),
}

var responseOnly = map[string]wire.Rule{
	"truncation": wire.Ignored, "max_tool_calls": wire.Ignored, "client_metadata": wire.Ignored,
	"context_management":   wire.Neutral("[]"),
	"background":           wire.Neutral("false"),
	"previous_response_id": wire.Neutral(`""`),
	"conversation":         wire.Neutral(),
	"prompt":               wire.Neutral(),
	"moderation":           wire.Neutral(),
	"n":                    wire.Neutral("1"),
}

var embeddingFields = map[string]wire.Rule{
	"user": wire.Ignored, "request_id": wire.Ignored, "priority": wire.Ignored, "keep_alive": wire.Ignored, "cache_salt": wire.Ignored,
	"truncate_prompt_tokens": wire.Neutral("-1"),
	"add_special_tokens":     wire.Neutral("true"),
	"normalize":              wire.Neutral("true"),
	"embd_normalize":         wire.Neutral("2"),
	"input_type":             wire.Neutral(),
	"task":                   wire.Neutral(),
	"late_chunking":          wire.Neutral("false"),
	"embedding_type":         wire.Neutral(`"float"`),
	"messages":               wire.Neutral(),
}

var structuredFields = map[string]wire.Rule{
	"disable_any_whitespace": wire.Ignored, "disable_fallback": wire.Ignored, "_backend": wire.Ignored,
	"regex":                         wire.Neutral(`""`),
	"structural_tag":                wire.Neutral(),
	"whitespace_pattern":            wire.Neutral(),
	"disable_additional_properties": wire.Neutral("false"),
}

var messageFields = map[string]wire.Rule{
	"refusal": wire.Ignored, "annotations": wire.Ignored, "id": wire.Ignored, "createdAt": wire.Ignored, "created_at": wire.Ignored,
	"updatedAt": wire.Ignored, "timestamp": wire.Ignored, "created": wire.Ignored, "model": wire.Ignored, "models": wire.Ignored,
	"cache_control": wire.Ignored, "metadata": wire.Ignored, "providerOptions": wire.Ignored, "providerMetadata": wire.Ignored,
	"provider_specific_fields": wire.Ignored, "experimental_attachments": wire.Neutral("[]"), "toolInvocations": wire.Ignored, "parts": wire.Ignored,
	"parentId": wire.Ignored, "childrenIds": wire.Ignored, "reasoning_details": wire.Ignored, "thinking_blocks": wire.Ignored,
	"reasoning_signature": wire.Ignored, "signature": wire.Ignored, "index": wire.Ignored, "finish_reason": wire.Ignored, "status": wire.Ignored,
	"phase": wire.Ignored, "weight": wire.Ignored, "is_error": wire.Ignored, "usage": wire.Ignored, "type": wire.Ignored, "info": wire.Ignored,
	"done": wire.Ignored, "citations": wire.Ignored, "sources": wire.Ignored, "additional_kwargs": wire.Ignored, "response_metadata": wire.Ignored,
	"audio":     wire.Neutral(),
	"images":    wire.Neutral("[]"),
	"files":     wire.Neutral("[]"),
	"tool_plan": wire.Neutral(`""`),
	// Read by Message.rare.
	"reasoning_content": wire.Taken, "reasoning": wire.Taken, "thinking": wire.Taken,
	"function_call": wire.Taken, "prefix": wire.Taken, "partial": wire.Taken,
}

var reasoningFields = map[string]wire.Rule{"context": wire.Ignored}

var thinkingFields = map[string]wire.Rule{
	"display": wire.Ignored, "clear_thinking": wire.Ignored,
}

// remedies are what helps where leaving a field out is not all that there is to
// say.
var remedies = map[string]string{
	"suffix":                     "no model here fills in between two texts in this form: put both into the prompt as the model's own documentation shows",
	"stop_token_ids":             "send the tokens' texts as stop",
	"bad_words":                  "forbid tokens with logit_bias",
	"allowed_token_ids":          "send a grammar, or logit_bias",
	"include_stop_str_in_output": "leave it out, and append the stop string where finish_reason is stop",
	"guided_regex":               "send guided_grammar, or guided_json with a pattern",
	"regex":                      "send grammar, or json with a pattern",
	"structural_tag":             "send a grammar",
	"use_beam_search":            "ask for several answers with n",
	"chat_template":              "the operator sets the template with --chat-template-file",
	"lora":                       "the operator chooses the model",
	"samplers":                   "leave it out: the order of the samplers is fixed",
	"extra_body":                 "put its fields into the body itself",
	"web_search_options":         "describe a tool that searches as a function",
	"plugins":                    "describe a tool as a function",
	"audio":                      "leave it out: this model speaks text only",
	"modalities":                 `send ["text"]: this model speaks text only`,
	"images":                     "leave it out: this model reads text only",
	"previous_response_id":       "responses are not stored here: send the whole conversation in input",
	"conversation":               "conversations are not stored here: send the whole conversation in input",
	"prompt":                     "prompts are not stored here: send its text in input and instructions",
	"background":                 "responses are not stored here: stream, or wait for the answer",
	"messages":                   "send the texts as input",
}

// checkRest is wire.CheckRest with the remedies of this dialect.
func checkRest(rest map[string]jsontext.Value, rules map[string]wire.Rule) error {
	err := wire.CheckRest(rest, rules)
	if f, ok := errors.AsType[*ask.Fault](err); ok && f.Kind == ask.Unsupported {
		if remedy, ok := remedies[f.Param]; ok {
			f.Remedy = remedy
		}
	}
	return err
}

// ignored gives the names of the fields of a request that were accepted and have
// no effect, of a closed set.
func ignored(rest map[string]jsontext.Value, rules map[string]wire.Rule) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range rest {
			if rule, known := rules[name]; known && rule == nil && !yield(name) {
				return
			}
		}
	}
}

func join(all ...map[string]wire.Rule) map[string]wire.Rule {
	joined := map[string]wire.Rule{}
	for _, one := range all {
		maps.Copy(joined, one)
	}
	return joined
}
