// Package openai is OpenAI's wire format for chat completions and completions,
// and llama-server's for tokenize and detokenize: requests and what makes them
// valid, responses, stream chunks and errors. It knows nothing of HTTP
// handlers and nothing of the engine's loop.
//
// # Model
//
// A request is decoded by [Decode] and turned by its Params method into
// [Params], which hold only checked values. Every failure is an [*Error] that
// names the offending field and carries its HTTP status.
//
// A field that the server does not implement is refused if it would change the
// result ("tools", "logit_bias", "n" above 1) and ignored if it would not
// ("user", "metadata", "store"). A field that nobody knows is refused: a typing
// error in "temperature" must not pass silently.
//
// A stream is a [StreamEncoder], which renders what all chunks of one response
// share once and appends each chunk by hand to the caller's buffer:
//
//	enc := openai.NewChatStream(head, true)
//	frames = enc.AppendStart(frames[:0])
//	frames = enc.AppendText(frames, text)
//	frames = enc.AppendFinish(frames, openai.FinishStop)
//	frames = enc.AppendUsage(frames, usage)
//	frames = enc.AppendDone(frames)
//
// # Limits
//
// One choice a request, text only, no tools beyond those in the history. Message content may be a string
// or text parts. Stop strings are bounded as in package stream.
package openai
