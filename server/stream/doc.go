// Package stream turns the tokens of a generation into the text and the frames
// that a client is sent.
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
// [AppendJSONString] and [AppendFrame] build server-sent events in a reused
// buffer.
//
//	var text stream.Text
//	if err := text.Reset([]string{"\nUser:"}); err != nil { ... }
//	for token := range tokens {
//		piece = model.AppendPiece(piece[:0], token, false)
//		stopped := text.Add(piece)
//		delta, covered = text.Take(delta[:0])
//		...
//		if stopped {
//			break
//		}
//	}
//	text.Flush()
//	delta, covered = text.Take(delta[:0])
//
// # Limits
//
// At most [MaxStops] stop strings of at most [MaxStopBytes] bytes. Nothing
// allocates once the buffers have grown to the largest delta.
package stream
