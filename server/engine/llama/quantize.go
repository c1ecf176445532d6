package llama

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weirgo/weir/server/gguf/check"
)

// fileTypes are the quantisations on offer, by the names the field uses, with
// their number in enum llama_ftype.
var fileTypes = map[string]int32{
	"F32": 0, "F16": 1, "BF16": 32,
	"Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q8_0": 7,
	"Q2_K": 10, "Q2_K_S": 21,
	"Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13,
	"Q4_K_S": 14, "Q4_K_M": 15,
	"Q5_K_S": 16, "Q5_K_M": 17,
	"Q6_K":   18,
	"IQ4_NL": 25, "IQ4_XS": 30,
}

// QuantizeTypes returns the names [Library.Quantize] takes, in order.
func QuantizeTypes() []string {
	var names []string
	for name := range fileTypes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Quantize writes the GGUF model at src, in F32, F16 or BF16, to dst with its
// matrices in the type of that name (any case). dst changes only once the new
// file is whole. It computes on the default number of threads; cancelling ctx
// takes effect before it begins and before dst is replaced, not between, as
// the library offers no way.
func (l *Library) Quantize(ctx context.Context, src, dst, typeName string) (err error) {
	fileType, known := fileTypes[strings.ToUpper(typeName)]
	if !known {
		return fmt.Errorf("llama: quantize %s: no type %q; choose one of %s",
			src, typeName, strings.Join(QuantizeTypes(), ", "))
	}
	if err := check.File(src); err != nil {
		return fmt.Errorf("llama: quantize: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("llama: quantize %s: %w", src, err)
	}
	// A directory beside dst, so that the rename stays in one file system and
	// no name in it can be someone else's.
	work, err := os.MkdirTemp(filepath.Dir(dst), ".quantize-")
	if err != nil {
		return fmt.Errorf("llama: quantize %s: %w", src, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	part := filepath.Join(work, "model.gguf")
	params := l.c.QuantizeDefaults()
	params.FileType = fileType
	params.Threads = int32(DefaultThreads())
	mark := l.log.begin(levelError)
	code := l.c.Quantize(src, part, params)
	lines := l.log.end(mark)
	switch {
	case code != 0:
		return fmt.Errorf("llama: quantize %s to %s: the library failed%s; start from a model in F32, F16 or BF16",
			src, typeName, lines)
	case ctx.Err() != nil:
		return fmt.Errorf("llama: quantize %s: %w", src, ctx.Err())
	}
	if err := os.Rename(part, dst); err != nil {
		return fmt.Errorf("llama: quantize %s: %w", src, err)
	}
	return nil
}
