package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
)

const keysUsage = `usage: weir keys COMMAND

  hash   read a key from stdin and print its SHA-256, for the file of serve --keys

The file is JSON, and holds no key itself:

  {"keys": [
    {"name": "acme", "sha256": "…", "tier": "priority", "weight": 3},
    {"name": "lab", "sha256": "…", "tokens_per_minute": 60000, "in_flight": 8}
  ]}

  name               in metrics and logs: letters, digits, ".", "_" and "-"
  sha256             what hash prints
  tier               priority, standard or background; default standard
  weight             share among the keys of a tier; default 1
  tokens_per_minute  of prompts and answers, then 429; default no bound
  in_flight          requests at the same time, then 429; default no bound

SIGHUP has weir serve read it again. One that is wrong changes nothing.
`

// runKeys is weir keys.
func runKeys(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return usageErrorf("keys: no command given: it is hash; `weir keys -h` describes it")
	}
	switch args[0] {
	case "hash":
		f := newFlagSet("keys hash", "Reads a key from stdin and prints its SHA-256.")
		if err := f.parseFlags(args[1:], stdout); err != nil {
			return err
		}
		if f.NArg() > 0 { // which may be a key, and is not shown
			return usageErrorf("keys hash: unexpected argument: write the key to stdin, where no list of processes shows it")
		}
		return hashKey(stdin, stdout)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, keysUsage)
		return nil
	}
	return usageErrorf("keys: unknown command: it is hash, and a key is read from stdin alone") // which it does not show
}

// maxKeyBytes is more than a client can send in a header beside all else.
const maxKeyBytes = 16 << 10

// hashKey reads one line. Blanks around a key are not part of it: clients cannot send
// them.
func hashKey(stdin io.Reader, stdout io.Writer) error {
	sent, err := io.ReadAll(io.LimitReader(stdin, maxKeyBytes+1))
	if err != nil {
		return fmt.Errorf("keys hash: read stdin: %w", err)
	}
	key := strings.TrimSpace(string(sent))
	switch {
	case len(sent) > maxKeyBytes:
		return fmt.Errorf("keys hash: the key is longer than %d bytes: give a shorter one", maxKeyBytes)
	case key == "":
		return errors.New("keys hash: no key on stdin: write one, for example: openssl rand -hex 32 | tee key | weir keys hash")
	case hasControl(key):
		return errors.New("keys hash: the key has a control character, which no client can send: give one line without")
	}
	fmt.Fprintf(stdout, "%x\n", sha256.Sum256([]byte(key)))
	return nil
}
