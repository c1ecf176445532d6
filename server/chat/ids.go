package chat

import (
	"encoding/binary"
	"hash/fnv"
	"strings"

	"github.com/weirgo/weir/server/chat/jinja"
)

// nineBytes is how long an identity of a call is where templates insist on it.
const nineBytes = 9

// nine returns an identity of nine letters and digits for another one: the same
// for the same, since a call and its answer name it.
func nine(id string) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	if len(id) == nineBytes && strings.Trim(strings.ToLower(id), alphabet) == "" {
		return id
	}
	sum := fnv.New64a()
	sum.Write([]byte(id))
	n := binary.BigEndian.Uint64(sum.Sum(nil))
	var short [nineBytes]byte
	for i := range short {
		short[i] = alphabet[n%uint64(len(alphabet))]
		n /= uint64(len(alphabet))
	}
	return string(short[:])
}

// identity returns the identity of a call as the template takes it.
func (t *Template) identity(id string) *jinja.Str {
	if t.wantsNineIDs {
		id = nine(id)
	}
	return clients(id)
}
