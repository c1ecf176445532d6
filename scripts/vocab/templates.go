package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// templatesModule is a Go module whose test data has chat templates as they were
// published with models: more than the vocabularies bring. The go command checks
// its hash.
const (
	templatesModule = "github.com/ardanlabs/jinja@v1.11.0"
	templatesFolder = "testdata/templates"
)

// linkTemplates gets the module and links its templates into folder.
func linkTemplates(ctx context.Context, folder string) error {
	output, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", templatesModule).Output()
	var module struct{ Dir, Error string }
	if decoded := json.Unmarshal(output, &module); decoded == nil && module.Error != "" {
		return fmt.Errorf("get %s: %s", templatesModule, module.Error)
	}
	if err != nil {
		return fmt.Errorf("get %s: %w", templatesModule, err)
	}
	files, err := filepath.Glob(filepath.Join(module.Dir, templatesFolder, "*.jinja"))
	if err != nil {
		return fmt.Errorf("get %s: %w", templatesModule, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("get %s: it has no templates in %s", templatesModule, templatesFolder)
	}
	for _, file := range files {
		if _, err := checkout.Link(filepath.Join(folder, filepath.Base(file)), file); err != nil {
			return err
		}
	}
	return nil
}
