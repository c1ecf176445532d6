// Package openai is OpenAI's wire format for chat completions, completions,
// responses, embeddings and models: requests and their form, answers, stream
// chunks and errors. It takes as well what servers that speak it have added:
// vLLM, llama-server and the services behind their clients. It knows nothing of
// HTTP handlers and nothing of engines.
//
// # Model
//
// A body is read by wire.Decode; the request's Ask method checks its form and
// makes an ask.Request of it, or one for each answer that is wanted. Every failure
// is an ask.Fault that names the offending field; [AppendFault] spells any as
// OpenAI's error object.
//
// A field is carried out, or it changes nothing and is ignored (Ignored names
// those, for a metric), or it would change the answer and is refused by name with
// what helps. A field that nobody knows is refused: a typing error in
// "temperature" must not pass silently. Numbers may be written as 2.0, seeds may
// have any size, max_tokens -1 is no bound. The last message, if it is the
// assistant's, is gone on with, unless add_generation_prompt is true.
//
// Events become bytes in a [Stream], as frames, or in an [Answer], as one body;
// [ResponseStream] and [ResponseAnswer] do so for responses. All append by hand to
// the caller's buffer:
//
//	enc := openai.NewStream(head, request.Shape())
//	for events.Next(&event) {
//		frames = enc.Append(frames, &event)
//	}
//
// # Limits
//
// Text only: images, audio and files are refused. MaxChoices answers a request;
// stop strings are bounded as in package ask. Nothing is stored: a response that
// goes on from another is refused. A streamed response holds its text until its
// end, because the last events repeat it. A response repeats up to 64 KiB of its
// request. Of tools, functions alone: the client carries them out.
package openai
