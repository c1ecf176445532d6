package wire

import (
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestDecodedBytes(t *testing.T) {
	for _, test := range []struct {
		body string
		want int64
	}{
		{``, 0},
		{`7`, textCopies},
		{`{"a":"b"}`, 9*textCopies + objectBytes + nameBytes},
		{`[1,2,3]`, 7*textCopies + 3*memberBytes},
		{`"{[,:,]}"`, 9 * textCopies},
		{`"\"{[,:"`, 8 * textCopies},
		{`"\\",`, 5*textCopies + memberBytes},
		{`"\\\",`, 6 * textCopies},
		{`"open{`, 6 * textCopies},
	} {
		if got := DecodedBytes([]byte(test.body)); got != test.want {
			t.Errorf("%s: %d, want %d", test.body, got, test.want)
		}
	}
}

func TestInside(t *testing.T) {
	f := Inside("messages[0]", Missing("role", `"user"`)).(*ask.Fault)
	if f.Param != "messages[0].role" || f.Error() != `messages[0].role is required: "user"` {
		t.Errorf("%+v", f)
	}
}
