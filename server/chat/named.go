package chat

import (
	"embed"
	"slices"
	"strings"
)

// named holds the templates that llama-server knows by name, of formats that
// their makers have published. None writes the token that begins a text unless
// it is part of the format.
//
//go:embed named/*.jinja
var named embed.FS

// Named returns the source of the template that llama-server calls name.
func Named(name string) (source string, ok bool) {
	if name == "chatml" {
		return ChatML, true
	}
	text, err := named.ReadFile("named/" + name + ".jinja")
	return string(text), err == nil
}

// Names lists the names that Named knows, in order.
func Names() []string {
	names := []string{"chatml"}
	files, _ := named.ReadDir("named") // embedded: it is there
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".jinja"))
	}
	slices.Sort(names)
	return names
}
