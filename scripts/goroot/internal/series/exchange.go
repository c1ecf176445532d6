package series

import (
	"errors"
	"os"
)

// exchangeByRename swaps two folders with renames. Between the first and the
// second, b does not exist; a failure puts it back.
func exchangeByRename(a, b string) error {
	aside := a + ".aside"
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(aside, b))
	}
	return os.Rename(aside, a)
}
