package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A checkpoint is a line of the recipe, the number of steps done, the weights,
// their moments, and a SHA-256 of all that, little-endian.

// errOtherRecipe: a checkpoint that this training cannot go on from.
var errOtherRecipe = errors.New("it is of another recipe")

// maxRecipeBytes bounds a checkpoint's first line.
const maxRecipeBytes = 1 << 16

// save writes a checkpoint to path, which changes only when it is whole.
func (t *trainer) save(path string) (err error) {
	// One name: what a kill leaves there is written over.
	file, err := os.Create(path + ".part")
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	sum, buffer := sha256.New(), bufio.NewWriterSize(file, 1<<20)
	to := io.MultiWriter(buffer, sum)
	fmt.Fprintln(to, t.recipe)
	for _, part := range []any{uint64(t.step), t.network.Weights, t.network.First, t.network.Second} {
		if err := binary.Write(to, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("save checkpoint: %w", err)
		}
	}
	buffer.Write(sum.Sum(nil))
	if err := errors.Join(buffer.Flush(), file.Sync(), file.Close(), os.Rename(file.Name(), path)); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// resume goes on from the checkpoint at path. Without one it does nothing; one
// of another recipe is errOtherRecipe, and the trainer is as it was.
func (t *trainer) resume(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	bad := func(what string) error {
		return fmt.Errorf("resume: %s %s; remove it to begin anew", path, what)
	}
	line := bytes.IndexByte(content[:min(len(content), maxRecipeBytes)], '\n')
	if line < 0 {
		return bad("is no checkpoint")
	}
	if string(content[:line]) != t.recipe.String() {
		return fmt.Errorf("resume: %s: %w", path, errOtherRecipe)
	}
	n := t.network
	body, sumAt := content[line+1:], len(content)-sha256.Size
	if len(body) != 8+3*4*len(n.Weights)+sha256.Size {
		return bad("is not whole")
	}
	if sum := sha256.Sum256(content[:sumAt]); !bytes.Equal(sum[:], content[sumAt:]) {
		return bad("is damaged")
	}
	step := binary.LittleEndian.Uint64(body)
	if step > uint64(t.recipe.Steps) {
		return bad("is of more steps than the recipe has")
	}
	t.step = int(step)
	body = body[8:]
	for _, part := range [][]float32{n.Weights, n.First, n.Second} {
		used, err := binary.Decode(body, binary.LittleEndian, part)
		if err != nil {
			return bad("is not whole")
		}
		body = body[used:]
	}
	n.Changed()
	return nil
}
