package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/gguf"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// errUsage: the arguments ask for something that does not exist.
var errUsage = errors.New("bad arguments")

// maker writes model files into one folder.
type maker struct {
	dir  string
	seed uint64
	out  io.Writer // a line for each file
	demo string    // the demo model's file; "": the repository's
}

// variant is one model file: a size and, unless it is "", a quantisation; or
// the demo model.
type variant struct {
	demo     bool
	size     seeded.Size
	typeName string // lower case
}

// parseVariant reads NAME, NAME:TYPE or, as files are named, NAME-TYPE.
func parseVariant(arg string) (variant, error) {
	if arg == demoName {
		return variant{demo: true}, nil
	}
	name, typeName, quantised := strings.Cut(strings.Replace(arg, "-", ":", 1), ":")
	size, err := seeded.ParseSize(name)
	if err != nil {
		return variant{}, fmt.Errorf("%w: %w; or %s", errUsage, err, demoName)
	}
	if quantised && !slices.Contains(llama.QuantizeTypes(), strings.ToUpper(typeName)) {
		return variant{}, fmt.Errorf("%w: no type %q; choose one of %s",
			errUsage, typeName, strings.ToLower(strings.Join(llama.QuantizeTypes(), ", ")))
	}
	return variant{size: size, typeName: strings.ToLower(typeName)}, nil
}

func (v variant) fileName() string {
	if v.demo {
		return demoName + ".gguf"
	}
	if v.typeName == "" {
		return string(v.size) + ".gguf"
	}
	return string(v.size) + "-" + v.typeName + ".gguf"
}

// run makes the named variants, all or, at the first error, those before it.
func (m *maker) run(ctx context.Context, args []string) error {
	var variants []variant
	for _, arg := range args {
		v, err := parseVariant(arg)
		if err != nil {
			return err
		}
		variants = append(variants, v)
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, v := range variants {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("make %s: %w", v.fileName(), err)
		}
		if err := m.make(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// make writes one file unless it is up to date.
func (m *maker) make(ctx context.Context, v variant) error {
	path := filepath.Join(m.dir, v.fileName())
	if v.demo {
		return m.copyDemo(path)
	}
	if m.upToDate(path, v.size) {
		fmt.Fprintf(m.out, "%s: up to date\n", path)
		return nil
	}
	if err := m.write(ctx, path, v); err != nil {
		return err
	}
	return m.say(path)
}

// say says that a file has been written.
func (m *maker) say(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	fmt.Fprintf(m.out, "%s: written, %.1f MB\n", path, float64(info.Size())/1e6)
	return nil
}

func (m *maker) write(ctx context.Context, path string, v variant) error {
	if v.typeName == "" {
		return seeded.Write(path, v.size, m.seed)
	}
	// The library first: without it there is no use in the whole model.
	dir, err := llama.FindLibrary()
	if err != nil {
		return err
	}
	library, err := llama.Open(dir, nil)
	if err != nil {
		return err
	}
	whole := variant{size: v.size}
	if err := m.make(ctx, whole); err != nil {
		return err
	}
	return library.Quantize(ctx, filepath.Join(m.dir, whole.fileName()), path, v.typeName)
}

// upToDate reports whether the file at path is whole and of the recipe.
func (m *maker) upToDate(path string, size seeded.Size) bool {
	file, err := gguf.Open(path)
	return err == nil && file.Metadata.Text(seeded.RecipeKey) == seeded.Recipe(size, m.seed)
}
