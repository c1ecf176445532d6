package front

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/tenants"
)

// keyring holds the hashes of the accepted keys. Hashes have one length, so
// comparing them takes the same time whatever was sent.
type keyring struct {
	plain [][sha256.Size]byte
	file  *tenants.File // nil: none
}

func newKeyring(keys []string, file *tenants.File) keyring {
	k := keyring{make([][sha256.Size]byte, len(keys)), file}
	for i, key := range keys {
		k.plain[i] = sha256.Sum256([]byte(key))
	}
	return k
}

// keyHeaders hold a key where Authorization does not: llama-server's and Anthropic's
// clients send the first, Azure's the second.
var keyHeaders = [2]string{"X-Api-Key", "Api-Key"}

// check returns an error unless the request carries one of the keys, or none
// is asked for. It gives the holder of a key of the file, nil of another.
func (k keyring) check(r *http.Request) (*tenants.Tenant, error) {
	if len(k.plain) == 0 && k.file == nil {
		return nil, nil
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
		return nil, unauthorized("no API key given", "send the header Authorization: Bearer KEY")
	}
	sent := sha256.Sum256([]byte(key))
	if k.file != nil {
		if t := k.file.Table().Find(sent); t != nil {
			return t, nil
		}
	}
	match := 0
	for i := range k.plain { // all of them: the time must not tell which matched
		match |= subtle.ConstantTimeCompare(sent[:], k.plain[i][:])
	}
	if match == 0 {
		return nil, unauthorized("incorrect API key given", "ask the operator of this server for one")
	}
	return nil, nil
}

func unauthorized(what, remedy string) error {
	return &ask.Fault{Kind: ask.KeyInvalid, What: what, Remedy: remedy}
}
