package tenants

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// Bounds of what a file says.
const (
	// MaxFileBytes is room for MaxKeys entries with all that they may have.
	MaxFileBytes = 1 << 20
	// MaxKeys bounds the metrics, which have a handful of series a key.
	MaxKeys      = 1024
	MaxNameBytes = 64
	MaxWeight    = 1000
	// MaxTokensPerMinute and MaxInFlight are more than a server does. Who wants no
	// bound says none.
	MaxTokensPerMinute = 1_000_000_000
	MaxInFlight        = 1 << 20
)

// fileForm is the file's JSON.
type fileForm struct {
	Keys []jsontext.Value `json:"keys"`
}

// keyForm is that of an entry.
type keyForm struct {
	Name            string `json:"name"`
	SHA256          string `json:"sha256"`
	Tier            string `json:"tier"`
	Weight          *int   `json:"weight"`
	TokensPerMinute *int   `json:"tokens_per_minute"`
	InFlight        *int   `json:"in_flight"`
}

const (
	fileRemedy = `write {"keys": [{"name": "…", "sha256": "…"}, …]}`
	keyRemedy  = "its members are name, sha256, tier, weight, tokens_per_minute and in_flight"
)

// entry is an entry that is right.
type entry struct {
	Tenant
	hash [sha256.Size]byte
}

// parse reads the content of a file. Its errors show no sha256: it may be a key, by
// mistake.
func parse(content []byte) ([]entry, error) {
	var form fileForm
	if err := json.Unmarshal(content, &form, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s: %s", malformed(err), fileRemedy)
	}
	switch n := len(form.Keys); {
	case n == 0: // serving nobody is not what was meant, nor is everybody
		return nil, errors.New("it holds no keys: " + fileRemedy)
	case n > MaxKeys:
		return nil, fmt.Errorf("it holds %d keys: give %d at most", n, MaxKeys)
	}
	entries := make([]entry, len(form.Keys))
	names, hashes := map[string]int{}, map[[sha256.Size]byte]int{}
	for i, value := range form.Keys {
		e, err := parseKey(value)
		if err != nil {
			return nil, fmt.Errorf("key %d%s: %w", i+1, called(e.Name), err)
		}
		if before, twice := names[e.Name]; twice {
			return nil, fmt.Errorf("key %d%s: key %d has this name: give each its own", i+1, called(e.Name), before+1)
		}
		if before, twice := hashes[e.hash]; twice {
			return nil, fmt.Errorf("key %d%s: key %d has this sha256: give each holder a key of its own", i+1, called(e.Name), before+1)
		}
		names[e.Name], hashes[e.hash], entries[i] = i, i, e
	}
	return entries, nil
}

// called is how an error names an entry beside its number, if it has a name.
func called(name string) string {
	if checkName(name) != nil {
		return ""
	}
	return " (" + name + ")"
}

// malformed says what is wrong with JSON, in the words of who writes it.
func malformed(err error) string {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		member := ask.Clip(semantic.JSONPointer.LastToken(), MaxNameBytes)
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return fmt.Sprintf("%q is no member that may be here", member)
		case member == "":
			return "it is of the wrong kind"
		}
		return fmt.Sprintf("the value of %q is of the wrong kind, or no whole number", member)
	}
	return err.Error() // with the place in the file
}

func parseKey(value jsontext.Value) (e entry, err error) {
	var form keyForm
	if err := json.Unmarshal(value, &form, json.RejectUnknownMembers(true)); err != nil {
		e.Name = form.Name
		return e, fmt.Errorf("%s: %s", malformed(err), keyRemedy)
	}
	e.Name = form.Name
	if err := checkName(form.Name); err != nil {
		return e, err
	}
	hash, err := hex.DecodeString(form.SHA256)
	if err != nil || len(hash) != len(e.hash) {
		return e, fmt.Errorf("sha256 is not %d hexadecimal digits: `weir keys hash` makes them of a key", 2*len(e.hash))
	}
	copy(e.hash[:], hash)
	if form.Tier != "" {
		tier, ok := ask.ParseTier(form.Tier)
		if !ok {
			return e, fmt.Errorf("tier is %q: give priority, standard or background", ask.Clip(form.Tier, MaxNameBytes))
		}
		e.Tier = tier
	}
	e.Weight = 1
	for _, bound := range []struct {
		name string
		sent *int
		to   *int
		top  int
	}{
		{"weight", form.Weight, &e.Weight, MaxWeight},
		{"tokens_per_minute", form.TokensPerMinute, &e.TokensPerMinute, MaxTokensPerMinute},
		{"in_flight", form.InFlight, &e.InFlight, MaxInFlight},
	} {
		switch {
		case bound.sent == nil:
		case *bound.sent < 1 || *bound.sent > bound.top:
			return e, fmt.Errorf("%s is %d: give a number from 1 to %d, or leave it out", bound.name, *bound.sent, bound.top)
		default:
			*bound.to = *bound.sent
		}
	}
	return e, nil
}

// checkName refuses names that could break a log's line or be taken for a key's.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("it has no name: give one, for metrics and logs")
	case len(name) > MaxNameBytes:
		return fmt.Errorf("its name is longer than %d bytes: give a shorter one", MaxNameBytes)
	case strings.ContainsFunc(name, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._-", c))
	}):
		return errors.New(`its name has other characters than letters, digits, ".", "_" and "-": leave them out`)
	}
	return nil
}
