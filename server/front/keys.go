package front

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// keyring holds the hashes of the accepted keys. Hashes have one length, so
// comparing them takes the same time whatever was sent.
type keyring [][sha256.Size]byte

func newKeyring(keys []string) keyring {
	k := make(keyring, len(keys))
	for i, key := range keys {
		k[i] = sha256.Sum256([]byte(key))
	}
	return k
}

// keyHeaders hold a key where Authorization does not: llama-server's and Anthropic's
// clients send the first, Azure's the second.
var keyHeaders = [2]string{"X-Api-Key", "Api-Key"}

// check returns an error unless the request carries one of the keys, or none
// is asked for.
func (k keyring) check(r *http.Request) error {
	if len(k) == 0 {
		return nil
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		key = ""
	}
	key = strings.TrimSpace(key)
	for _, name := range keyHeaders {
		if key == "" {
			key = strings.TrimSpace(r.Header.Get(name))
		}
	}
	if key == "" {
		return unauthorized("no API key given", "send the header Authorization: Bearer KEY")
	}
	sent := sha256.Sum256([]byte(key))
	match := 0
	for i := range k { // all of them: the time must not tell which matched
		match |= subtle.ConstantTimeCompare(sent[:], k[i][:])
	}
	if match == 0 {
		return unauthorized("incorrect API key given", "ask the operator of this server for one")
	}
	return nil
}

func unauthorized(what, remedy string) error {
	return &ask.Fault{Kind: ask.KeyInvalid, What: what, Remedy: remedy}
}
