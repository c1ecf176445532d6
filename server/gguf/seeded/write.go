package seeded

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/weirgo/weir/server/gguf"
)

// DefaultSeed is what tests and scripts use unless they want another model.
const DefaultSeed = 20261

// Write makes the model of that size and seed and puts it at path, which
// changes only when the whole file is there. The same size and seed give the
// same bytes. The metadata holds [Recipe] under [RecipeKey], and extra at its
// end.
func Write(path string, size Size, seed uint64, extra ...gguf.KV) error {
	a, known := architectures[size]
	if !known {
		return fmt.Errorf("seeded: write %s: no model size %q; choose one of %s", path, size, sizeNames())
	}
	tokens, err := vocabularies[size]()
	if err != nil {
		return fmt.Errorf("seeded: write %s: %w", path, err)
	}
	if err := a.write(path, append(a.metadata(size, seed, tokens), extra...), tokens, seed); err != nil {
		return fmt.Errorf("seeded: write %s: %w", size, err)
	}
	return nil
}

// write makes the file.
func (a *architecture) write(path string, metadata gguf.Metadata, tokens []token, seed uint64) error {
	parts := a.tensors(tokens)
	table := make([]gguf.Tensor, len(parts))
	for i := range parts {
		table[i] = parts[i].Tensor
	}
	file, err := gguf.Create(path, metadata, table)
	if err != nil {
		return err
	}
	defer file.Close() // drops the file unless it is committed
	for i := range parts {
		if err := parts[i].writeTo(file, seed); err != nil {
			return err
		}
	}
	return file.Commit()
}

// writeTo fills the tensor on all cores, a bounded number of blocks at a time.
func (w *weights) writeTo(file *gguf.Writer, seed uint64) error {
	if w.ones {
		_, err := file.Write(fillOnes(nil, int(w.Shape[0])))
		return err
	}
	rows := int(w.Shape[1])
	blocks := make([][]byte, 4*runtime.GOMAXPROCS(0))
	for first := 0; first < rows; {
		group, _ := errgroup.WithContext(context.Background())
		filled := 0
		for ; filled < len(blocks) && first < rows; filled++ {
			block, from := filled, first
			first = min(first+rowsPerBlock, rows)
			to := first
			group.Go(func() error {
				blocks[block] = w.fillBlock(blocks[block][:0], seed, from, to)
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for _, block := range blocks[:filled] {
			if _, err := file.Write(block); err != nil {
				return err
			}
		}
	}
	return nil
}
