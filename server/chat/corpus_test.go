package chat

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/chat/jinja"
	"github.com/weirgo/weir/server/chat/jinja/jinjatest"
)

// TestCorpus renders conversations by published templates, which are not ours
// to keep, and holds them against Python's jinja2.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of renderings in Python")
	}
	folder := os.Getenv("WEIR_VOCAB")
	if folder == "" {
		folder = "../../build/vocab"
	}
	templates := publishedTemplates(t, folder)
	if len(templates) == 0 {
		t.Skipf("no published templates in %s: get them with make test-vocab", folder)
	}
	reference := jinjatest.Start(t)
	same, refused, different := 0, 0, 0
	for name, source := range templates {
		template, err := New(source, "<s>", "</s>")
		if err == nil {
			template.parsed.Clock = jinjatest.Now
		}
		for _, c := range corpus {
			text, ours := "", err
			variables := "{}"
			if err == nil {
				variables = variablesOf(t, template, c.input)
				var pieces []Piece
				pieces, ours = template.Render(context.Background(), c.input)
				text = Text(pieces)
				checkOrigin(t, name+", "+c.name, pieces)
			}
			want, theirs := reference.Render(t, source, variables)
			switch {
			case ours != nil && theirs != "":
				refused++
			case ours == nil && theirs == "" && text == want:
				same++
			default:
				different++
				t.Errorf("%s, %s:\n got %q, %v\nwant %q, %s", name, c.name, text, ours, want, theirs)
			}
		}
	}
	t.Logf("%d templates: %d renderings are the same, %d are refused by both, %d differ", len(templates), same, refused, different)
}

// publishedTemplates finds files *.jinja, and templates in tokenizers'
// configurations.
func publishedTemplates(t *testing.T, folder string) map[string]string {
	t.Helper()
	templates := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case filepath.Ext(path) == ".jinja":
			data, err := os.ReadFile(path)
			templates[path] = string(data)
			return err
		case filepath.Base(path) == "tokenizer_config.json":
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var config struct {
				Template any `json:"chat_template"`
			}
			if err := json.Unmarshal(data, &config); err != nil {
				return err
			}
			switch all := config.Template.(type) {
			case string:
				templates[path] = all
			case []any: // several, each with a name
				for _, one := range all {
					if one, ok := one.(map[string]any); ok {
						name, _ := one["name"].(string)
						source, _ := one["template"].(string)
						templates[path+": "+name] = source
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// variablesOf returns what a template sees of an input, as JSON.
func variablesOf(t *testing.T, template *Template, in Input) string {
	t.Helper()
	variables, err := template.variables(in)
	if err != nil {
		t.Fatal(err)
	}
	all := jinja.NewDict(len(variables), true)
	for name, v := range variables {
		all.Set(name, v)
	}
	printer, err := jinja.Parse("{{ all | tojson }}", jinja.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := printer.Render(context.Background(), map[string]jinja.Value{"all": all})
	if err != nil {
		t.Fatal(err)
	}
	return Text(pieces)
}

// checkOrigin holds a rendering of the corpus against whose text is whose: each
// text of a client there has clientMark in it, and none has a control token.
func checkOrigin(t *testing.T, name string, pieces []Piece) {
	t.Helper()
	for i, p := range pieces {
		switch {
		case p.Text == "" || i > 0 && pieces[i-1].Trusted == p.Trusted:
			t.Errorf("%s: piece %d, %q, is empty or as trusted as the one before it", name, i, p.Text)
		case p.Trusted && strings.Contains(p.Text, clientMark):
			t.Errorf("%s: a client's text is trusted: %q", name, p.Text)
		case !p.Trusted && strings.Contains(p.Text, "<|"):
			t.Errorf("%s: the template's text is not trusted: %q", name, p.Text)
		}
	}
}
