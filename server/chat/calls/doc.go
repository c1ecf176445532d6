// Package calls takes a model's answer apart: what it says, what it thinks, and
// the tools it calls.
//
// # Model
//
// Each family of models writes calls in a [Form] of its own, which [Detect]
// finds in the chat template:
//
//	JSON between marks             hermes, mistral, command-r, granite
//	JSON alone                     llama3, generic
//	a name before JSON             deepseek, kimi, functionary, function, mistral
//	a name before other literals   gemma4, python (lfm2)
//	a tag for each argument        qwen-xml, glm, minimax, seed, dsml, kimi-k3
//	messages with channels         harmony, harmony-xml
//
// A template that knows no tools, or in a form unknown here, gets the generic
// form: [Form.Instruct] tells the model in words. [Form.Hold] says how a model is
// held to calls by a grammar.
//
// A [Parser] takes the answer's bytes as they come and gives [Piece] values. How
// the bytes are cut makes no difference to what the pieces are together.
// Arguments are handed on as they form; at the end of a call they are a JSON
// object, whatever the model wrote: what breaks off is made whole, control
// characters in strings are escaped, values in tags become JSON by the types
// that the tool's schema gives.
//
//	var p calls.Parser
//	p.Reset(form, calls.Options{Tools: request.Tools, Prompt: prompt})
//	for text := range answer {
//		p.Add(text)
//		for p.Next(&piece) {
//			...
//		}
//	}
//	p.End(false)
//
// What looks like a call and is none becomes text. Not shown are marks, and
// blanks around them.
//
// # Limits
//
// What is held back is bounded: 16 KiB of a call whose name is not known yet,
// 64 KiB of an argument in tags that is no string. Arguments nest 64 deep, and
// those that are literals come at once. A mark that opens a thought counts only
// where nothing has been said before it. Calls in Python's syntax without marks
// (llama4) are not known.
//
// A call that a model makes by its own choice is held from its beginning on, which is a
// mark as a rule. JSON without one is held in the spellings that models have, from
// a tool's name on. Texts in tags and literals are held to an enumeration, and not
// to what else a schema says of a text; arguments in tags come in the order of the
// schema.
package calls
