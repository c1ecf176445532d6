// Package text turns the tokens of a generation into the text that a client is
// sent.
//
// # Model
//
// [Text] takes the bytes of one token after the other and gives deltas of
// valid UTF-8. It holds back what may not be sent yet: the first bytes of a
// character, and what may be the beginning of a stop string. Bytes that cannot
// be part of a character become U+FFFD, one for each maximal subpart of a
// character, as the Unicode standard recommends and browsers do. Stop strings
// match the resulting text wherever token boundaries fall; the first to be
// complete ends the text before it. Deltas do not depend on how the bytes were
// cut into tokens, once put together.
//
// A token's bytes are copied once, to where Take hands them out.
//
//	var t text.Text
//	t.Reset([]string{"\nUser:"})
//	for token := range tokens {
//		stopped := t.Added(model.AppendPiece(t.Tail(), token, false))
//		delta, covered := t.Take()
//		...
//		if stopped {
//			break
//		}
//	}
//	t.Flush()
//	delta, covered := t.Take()
//
// # Limits
//
// Stop strings are bounded by who makes the request (ask.MaxStops). Nothing
// allocates once the buffers have grown to the largest delta.
package text
