// Package chat turns a conversation into the text a model was trained on, by
// the Jinja template that comes with the model.
//
// # Model
//
// [New] compiles a template once; [Template.Render] may then be called from
// any number of goroutines. Templates differ in what they expect, so New tries
// the compiled template on small conversations and remembers:
//
//   - whether a message's content has to be a list of parts, and None beside calls;
//   - whether the arguments of a tool call have to be an object or a string of JSON;
//   - whether it renders more than one call a message, and takes identities of
//     calls that are not nine letters and digits;
//   - whether it knows of tools and system messages at all.
//
// What an assistant thought goes into the fields that the source names
// (reasoning_content, reasoning, thinking, parts of type thinking). With
// [Input.Continue] the last message is left open. JSON given by clients (tools,
// tool calls) keeps the order of its keys, since models are sensitive to it.
//
// A template sees messages, tools, add_generation_prompt, bos_token and
// eos_token, the request's own variables, and what Python's jinja2 has under
// the settings of transformers; package jinja evaluates it.
//
// A rendering is [Piece] values: text that the template wrote itself may name
// control tokens, text that came from the client may not.
//
//	t, err := chat.New(model.ChatTemplate, bos, eos)
//	pieces, err := t.Render(ctx, chat.Input{Messages: turns, AddGenerationPrompt: true})
//
// Text that begins with the model's begin token needs no second one from the
// tokenizer.
//
// # Limits
//
// Templates come from strangers: [Limits] bound their size and nesting, and the
// steps, the memory and the text of each Render, before the fact. A Render ends
// with its context.
package chat
