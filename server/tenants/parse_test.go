package tenants

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// hashed is the hash of a key as a file has it.
func hashed(key string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(key))) }

// write makes a key file.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keysOf is a file of entries.
func keysOf(entries ...string) string { return `{"keys":[` + strings.Join(entries, ",") + `]}` }

func TestWhatIsWrongWithAFile(t *testing.T) {
	a := hashed("a")
	entry := func(rest string) string { return keysOf(`{"name":"acme","sha256":"` + a + `"` + rest + `}`) }
	var many []string
	for i := range MaxKeys + 1 {
		many = append(many, fmt.Sprintf(`{"name":"k%d","sha256":"%s"}`, i, hashed(fmt.Sprint(i))))
	}
	const first = `: key 1 (acme): `
	for name, test := range map[string]struct{ content, text string }{
		"nothing":           {``, `write {"keys"`},
		"no JSON":           {`keys: []`, `write {"keys"`},
		"an array":          {`[]`, `it is of the wrong kind: write {"keys"`},
		"a number for keys": {`{"keys":1}`, `the value of "keys" is of the wrong kind`},
		"no member":         {`{}`, "it holds no keys"},
		"null":              {`null`, "it holds no keys"},
		"no keys":           {keysOf(), "it holds no keys"},
		"another member":    {`{"keys":[],"users":[]}`, `"users" is no member that may be here: write`},
		"a member twice":    {`{"keys":[],"keys":[]}`, `duplicate object member name "keys"`},
		"in an entry too":   {keysOf(`{"name":"a","name":"b"}`), `duplicate object member name "name"`},
		"more behind it":    {entry(``) + `{}`, "after top-level value"},
		"too many":          {keysOf(many...), "it holds 1025 keys: give 1024 at most"},
		"too large":         {keysOf(strings.Repeat(" ", MaxFileBytes)), "is larger than 1048576 bytes: give a shorter one"},
		"a word":            {keysOf(`"acme"`), `: key 1: it is of the wrong kind: its members are name, sha256`},
		"unknown member":    {entry(`,"rate":1`), first + `"rate" is no member that may be here: its members are`},
		"another case":      {entry(`,"Weight":1`), `"Weight" is no member`},
		"a key in it":       {entry(`,"key":"sk-secret"`), `"key" is no member`},
		"no name":           {keysOf(`{"sha256":"` + a + `"}`), ": key 1: it has no name: give one"},
		"a blank name":      {keysOf(`{"name":"a b","sha256":"` + a + `"}`), ": key 1: its name has other characters"},
		"a line in a name":  {keysOf(`{"name":"a\nb","sha256":"` + a + `"}`), "its name has other characters"},
		"a long name":       {keysOf(`{"name":"` + strings.Repeat("a", 65) + `","sha256":"` + a + `"}`), "longer than 64 bytes"},
		"no hash":           {keysOf(`{"name":"acme"}`), first + "sha256 is not 64 hexadecimal digits: `weir keys hash`"},
		"a key for a hash":  {keysOf(`{"name":"acme","sha256":"sk-secret"}`), first + "sha256 is not"},
		"a short hash":      {keysOf(`{"name":"acme","sha256":"` + a[:62] + `"}`), first + "sha256 is not"},
		"no tier":           {entry(`,"tier":"gold"`), first + `tier is "gold": give priority, standard or background`},
		"no weight":         {entry(`,"weight":0`), first + "weight is 0: give a number from 1 to 1000, or leave it out"},
		"half a weight":     {entry(`,"weight":1.5`), first + `the value of "weight" is of the wrong kind, or no whole number`},
		"a weight's name":   {entry(`,"weight":"3"`), first + `the value of "weight" is of the wrong kind`},
		"no tokens":         {entry(`,"tokens_per_minute":0`), first + "tokens_per_minute is 0: give a number from 1 to 1000000000"},
		"too many tokens":   {entry(`,"tokens_per_minute":1000000001`), first + "tokens_per_minute is 1000000001"},
		"none in flight":    {entry(`,"in_flight":-1`), first + "in_flight is -1"},
		"a name twice":      {keysOf(`{"name":"x","sha256":"`+hashed("x")+`"}`, `{"name":"x","sha256":"`+a+`"}`), ": key 2 (x): key 1 has this name"},
		"a hash twice":      {keysOf(`{"name":"x","sha256":"`+a+`"}`, `{"name":"y","sha256":"`+strings.ToUpper(a)+`"}`), ": key 2 (y): key 1 has this sha256"},
	} {
		path := write(t, test.content)
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q", name, err, test.text)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), a) {
			t.Errorf("%s: shows a key: %v", name, err)
		}
	}
	if _, err := Open("/nowhere/keys.json"); err == nil || !strings.Contains(err.Error(), "/nowhere/keys.json: no such file or directory: name a file") {
		t.Error(err)
	}
}

func TestWhatAFileSays(t *testing.T) {
	f, err := Open(write(t, "\ufeff"+keysOf(
		`{"name":"acme","sha256":"`+hashed("a")+`","tier":"priority","weight":3,"tokens_per_minute":60000,"in_flight":8}`,
		`{"name":"lab.2_x-Y","sha256":"`+strings.ToUpper(hashed("b"))+`"}`,
		`{"name":"night","sha256":"`+hashed("c")+`","tier":"background","weight":null}`,
	)))
	if err != nil {
		t.Fatal(err)
	}
	want := []Tenant{
		{Name: "acme", Tier: ask.TierPriority, Weight: 3, TokensPerMinute: 60000, InFlight: 8},
		{Name: "lab.2_x-Y", Tier: ask.TierStandard, Weight: 1},
		{Name: "night", Tier: ask.TierBackground, Weight: 1},
	}
	for i, got := range f.Table().All() {
		one := *got
		if one.use = nil; one != want[i] {
			t.Errorf("%+v, want %+v", one, want[i])
		}
	}
	for key, name := range map[string]string{"a": "acme", "b": "lab.2_x-Y", "c": "night", "": "", "A": "", "ab": "", hashed("a"): ""} {
		got := ""
		if tenant := f.Table().Find(sha256.Sum256([]byte(key))); tenant != nil {
			got = tenant.Name
		}
		if got != name {
			t.Errorf("the key %q is %q's, want %q", key, got, name)
		}
	}
}

// Whatever a file holds, it is refused or can be asked.
func FuzzParse(f *testing.F) {
	f.Add([]byte(keysOf(`{"name":"acme","sha256":"` + hashed("a") + `","tier":"priority","weight":3,"tokens_per_minute":60000,"in_flight":8}`)))
	f.Add([]byte(keysOf(`{"name":"a","name":"b"}`, `null`)))
	f.Add([]byte(`{"keys":[[]],"x":{}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parse(content)
		if err != nil {
			return
		}
		table := newTable(entries, new(Table))
		for i, tenant := range table.All() {
			if table.Find(entries[i].hash) != tenant || checkName(tenant.Name) != nil || tenant.Weight < 1 || tenant.InFlight < 0 || tenant.TokensPerMinute < 0 {
				t.Errorf("%+v", tenant)
			}
		}
		if len(entries) == 0 {
			t.Errorf("%d entries of %q", len(entries), content)
		}
	})
}
