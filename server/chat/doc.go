// Package chat turns a conversation into the text a model was trained on, by
// the Jinja template that comes with the model.
//
// # Model
//
// [New] compiles a template once; [Template.Render] may then be called from
// any number of goroutines. Templates differ in what they expect, so New tries
// the compiled template on small conversations and remembers: whether a
// message's content has to be a list of parts, and whether the arguments of a
// tool call have to be an object or a string of JSON. JSON given by clients
// (tools, tool calls) keeps the order of its keys, since models are sensitive
// to it.
//
// A template sees messages, tools, add_generation_prompt, bos_token and
// eos_token, the request's own variables, and the functions and filters that
// github.com/ardanlabs/jinja has. The filter tojson is this package's: it
// writes what Python's json.dumps would, keys in order.
//
//	t, err := chat.New(model.ChatTemplate, bos, eos)
//	pieces, err := t.Render(ctx, chat.Input{Messages: turns, AddGenerationPrompt: true})
//
// Text that begins with the model's begin token needs no second one from the
// tokenizer.
//
// # Limits
//
// [Limits] bound the template's size and nesting, the steps of its loops, the
// depth of its macros, and the text that comes out. A template belongs to the
// model and is trusted as far as the model is: within those limits it can
// still waste time and memory.
package chat
