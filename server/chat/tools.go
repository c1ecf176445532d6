package chat

import (
	"encoding/json/jsontext"

	"github.com/weirgo/weir/server/ask"
)

// Tools returns tools as templates take them: OpenAI's array, as JSON. A tool
// without parameters gets the schema of an empty object, since templates print
// the fields without asking whether they are there. It returns nil for none.
func Tools(tools []ask.Tool) jsontext.Value {
	if len(tools) == 0 {
		return nil
	}
	all := []byte{'['}
	for i := range tools {
		if i > 0 {
			all = append(all, ',')
		}
		all = append(all, `{"type":"function","function":{"name":`...)
		all = appendString(all, tools[i].Name)
		all = append(all, `,"description":`...)
		all = appendString(all, tools[i].Description)
		all = append(all, `,"parameters":`...)
		if tools[i].Parameters == nil {
			all = append(all, `{"type":"object","properties":{}}`...)
		} else {
			all = append(all, tools[i].Parameters...)
		}
		all = append(all, "}}"...)
	}
	return append(all, ']')
}

// appendString appends a string of JSON; what is no UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	quoted, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		return quoted // with the replacements made
	}
	return quoted
}
