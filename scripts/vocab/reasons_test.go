package main

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// reason is why tokens differ, by the name that the table explains.
type reason struct {
	name string
	// about reports whether a text has what the reason is about; one that is
	// listed must.
	about func(vocabulary, content string) bool
	// instead, if not nil, makes of a text the one that the library must be
	// given for the reference's tokens. The table then has one line for all.
	instead func(content string) string
}

var reasons = []reason{
	normalizes("nfc", "qwen3", norm.NFC),
	normalizes("nfkc", "claude", norm.NFKC),
	{name: "js-space", about: func(_, content string) bool { return strings.ContainsAny(content, "\u0085\ufeff") }},
	{name: "looks-control", about: func(_, content string) bool { return strings.Contains(content, "</s>") }},
	{name: "ascii-case", about: func(vocabulary, content string) bool {
		return strings.HasPrefix(vocabulary, "gpt") && strings.ContainsFunc(content, func(r rune) bool {
			return r > unicode.MaxASCII && unicode.IsUpper(r)
		})
	}},
	{name: "add-bos", about: func(vocabulary, content string) bool {
		return vocabulary == "deepseek_v3" && content == beginAndEnd.content
	}},
}

func normalizes(name, vocabulary string, form norm.Form) reason {
	return reason{
		name:    name,
		about:   func(v, content string) bool { return v == vocabulary && !form.IsNormalString(content) },
		instead: form.String,
	}
}

// everyText is the name of all texts that a reason with instead is about.
const everyText = "*"

// instead returns what a text must be to get the reference's tokens, by a
// reason that the table has for every text.
func (c *comparison) instead(content string) (string, bool) {
	for _, r := range reasons {
		if r.instead != nil && (r.name == c.known[everyText] || *rewrite) && r.about(c.name, content) {
			return r.instead(content), true
		}
	}
	return "", false
}

// reasonOf returns the first reason that is about a text, "" if there is none.
func reasonOf(vocabulary, content string) string {
	for _, r := range reasons {
		if r.instead == nil && r.about(vocabulary, content) {
			return r.name
		}
	}
	return ""
}

// checkReasons fails for lines of the table whose text has nothing of what the
// reason is about.
func checkReasons(t *testing.T, known differences, contents map[string]string) {
	t.Helper()
	for vocabulary, texts := range known {
		for name, reason := range texts {
			if name == everyText {
				continue // of any text that it does not explain, the comparison tells
			}
			content, ok := contents[strings.TrimSuffix(name, asText)]
			about := false
			for _, r := range reasons {
				about = about || r.name == reason && r.about(vocabulary, content)
			}
			if !ok || !about {
				t.Errorf("%s: the difference of %q is not one of %q", vocabulary, name, reason)
			}
		}
	}
}
