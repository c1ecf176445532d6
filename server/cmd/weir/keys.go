package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/weirgo/weir/server/tenants"
)

// keyVariables hold keys as --api-key does, where that is not given: ours, and
// llama-server's. A process list shows flags to everybody.
var keyVariables = [2]string{"WEIR_API_KEY", "LLAMA_API_KEY"}

// takeKeys takes the keys of the environment, if there are none yet, and refuses
// those that are none: a server whose key came out empty would serve everybody.
func (o *options) takeKeys() error {
	from := "--api-key"
	for _, name := range keyVariables {
		if value, set := os.LookupEnv(name); set && len(o.keys) == 0 {
			from, o.keys = "environment variable "+name, splitList(value)
		}
	}
	return checkKeys(from, o.keys)
}

// checkKeys never shows a key: what it says goes into logs.
func checkKeys(from string, keys []string) error {
	for i, key := range keys {
		switch {
		case key == "":
			return fmt.Errorf("serve: %s: key %d of %d is empty: give a key, or nothing at all to serve everybody", from, i+1, len(keys))
		case hasControl(key):
			return fmt.Errorf("serve: %s: key %d of %d has a control character, which no client can send: leave it out", from, i+1, len(keys))
		}
	}
	return nil
}

func hasControl(key string) bool {
	return strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// asksForKeys reports whether clients must send a key.
func (o *options) asksForKeys() bool { return len(o.keys) > 0 || o.tenants != nil }

// readKeys reads --keys, and adds the keys of --api-key-file.
func (o *options) readKeys() (err error) {
	if o.tenantFile != "" {
		if o.tenants, err = tenants.Open(o.tenantFile); err != nil {
			return fmt.Errorf("serve: --keys: %w", err)
		}
	}
	if o.keyFile == "" {
		return nil
	}
	content, err := readSmall(o.keyFile, maxTemplateBytes)
	if err != nil {
		return fmt.Errorf("serve: read API keys: %w", err)
	}
	var keys []string
	lines := bufio.NewScanner(strings.NewReader(strings.TrimPrefix(string(content), "\ufeff")))
	for lines.Scan() {
		if key := strings.TrimSpace(lines.Text()); key != "" && key[0] != '#' { // a comment, as in llama-server's files
			keys = append(keys, key)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("serve: read API keys: %s: %w: write one a line", o.keyFile, err)
	}
	if len(keys) == 0 { // serving everybody is not what was meant
		return fmt.Errorf("serve: read API keys: %s holds none: write one a line", o.keyFile)
	}
	o.keys = append(o.keys, keys...)
	return checkKeys(o.keyFile, keys)
}
