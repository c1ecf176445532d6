package front_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/wire"
)

// Templates that ask for the day or for the tools as a text are told, and what
// the client says of them goes before.
func TestTemplatesAreTold(t *testing.T) {
	day := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	tool := `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`
	for _, test := range []struct{ template, body, want string }{
		{"{{ messages }}", `{` + hello + `}`, ``},
		{"{{ date_string }}", `{` + hello + `}`, `{"date_string":"04 Mar 2026"}`},
		{"{{ datetime }}", `{` + hello + `,"chat_template_kwargs":{"datetime":"x"}}`, `{"datetime":"x"}`},
		{"{{ functions }}", `{` + hello + `}`, `{"functions":""}`},
		{"{{ functions }}", `{` + hello + `,` + tool + `}`, `{"functions":"[\n  {\n    \"type\": \"function\",\n    \"function\": {\n      \"name\": \"f\",\n      \"parameters\": {\n        \"type\": \"object\"\n      }\n    }\n  }\n]"}`},
	} {
		m := newModel("x")
		m.template = test.template
		s := serveModel(t, m, func(c *front.Config) { c.Llama.Now = func() time.Time { return day } })
		status, _, text := s.post(t, "/apply-template", test.body)
		if want := string(wire.AppendJSONString([]byte(`{"prompt":`), "[user]hi[assistant]"+test.want)) + "}"; status != http.StatusOK || text != want {
			t.Errorf("%s: status %d: %s, want %s", test.body, status, text, want)
		}
	}
}
