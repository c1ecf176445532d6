package schema

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// below is the pointer of a part.
func below(pointer string, parts ...any) string {
	for _, p := range parts {
		pointer += "/" + escaper.Replace(fmt.Sprint(p))
	}
	return pointer
}

func unescape(part string) string { return unescaper.Replace(part) }

// fragment takes a $ref apart: the pointer within this document, and false for
// any other document.
func fragment(ref string) (pointer string, ok bool) {
	pointer, ok = strings.CutPrefix(ref, "#")
	if !ok {
		return "", false
	}
	if plain, err := url.PathUnescape(pointer); err == nil {
		pointer = plain
	}
	return pointer, true
}

// param is the field that schemas come from.
const param = "json_schema"

// wrong is a fault at a place of the schema.
func (b *builder) wrong(kind ask.Kind, pointer, format string, args ...any) error {
	f := ask.Invalid(param, b.named+"#"+ask.Clip(pointer, ask.QuotedBytes)+": "+ask.Clip(fmt.Sprintf(format, args...), 2*ask.QuotedBytes))
	f.Kind = kind
	return f
}

func (b *builder) invalid(pointer, format string, args ...any) error {
	return b.wrong(ask.InvalidValue, pointer, format, args...)
}

func (b *builder) unsupported(pointer, format string, args ...any) error {
	return b.wrong(ask.Unsupported, pointer, format, args...)
}
