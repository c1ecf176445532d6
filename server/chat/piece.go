package chat

import (
	"strings"

	"github.com/weirgo/weir/server/chat/jinja"
)

// Piece is a run of rendered text with one origin. Trusted text was written by
// the template or the model's file and may name control tokens; other text came
// from the client and must never become one, whatever it looks like.
type Piece = jinja.Piece

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
