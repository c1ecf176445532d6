package chat

import "strings"

// Piece is a run of rendered text with one origin.
type Piece struct {
	Text string
	// Trusted is set if the template wrote the text itself, or the model's
	// file did: it may name control tokens. Other text came from the client:
	// it must never become one, whatever it looks like.
	Trusted bool
}

// Text returns the text of all pieces.
func Text(pieces []Piece) string {
	if len(pieces) == 1 {
		return pieces[0].Text
	}
	var text strings.Builder
	for i := range pieces {
		text.WriteString(pieces[i].Text)
	}
	return text.String()
}
