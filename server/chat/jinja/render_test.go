package jinja

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/chat/jinja/jinjatest"
)

// ours renders with this package.
func ours(template, variables string, limits Limits) (string, error) {
	parsed, err := Parse(template, limits)
	if err != nil {
		return "", err
	}
	parsed.Clock = jinjatest.Now
	given, err := NewDecoder(limits).JSON([]byte(variables))
	if err != nil {
		return "", err
	}
	table := map[string]Value{}
	for name, v := range given.(*Dict).All() {
		table[name] = v
	}
	pieces, err := parsed.Render(context.Background(), table)
	if err != nil {
		if strings.Contains(err.Error(), "it panics") {
			panic(err) // a refusal is none
		}
		return "", err
	}
	var text strings.Builder
	for i, p := range pieces {
		if p.Text == "" || i > 0 && pieces[i-1].Trusted == p.Trusted {
			return "", fmt.Errorf("piece %d is empty or as trusted as its neighbour", i)
		}
		text.WriteString(p.Text)
	}
	return text.String(), nil
}
