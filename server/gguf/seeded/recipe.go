package seeded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/weirgo/weir/server/chat"
)

// RecipeKey is the metadata key under which a model's recipe is stored. The
// engine library copies it when it quantises the model.
const RecipeKey = "weir.recipe"

// recipeVersion counts changes of how weights and tokens are made. A test
// fails if models change and no part of the recipe does.
const recipeVersion = 1

// Recipe returns a text that differs whenever the models of that size and seed
// would: a file that holds it need not be written again. An unknown size has a
// recipe too, of no model.
func Recipe(size Size, seed uint64) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s %d %+v\n", recipeVersion, size, seed, architectures[size])
	fmt.Fprintln(sum, suffixes, prefixes)
	fmt.Fprintln(sum, gainQueryKey, gainResidual, gainLogit)
	fmt.Fprintln(sum, gainEnd, gainByte, gainCharacter, gainFragment, gainWord)
	fmt.Fprintln(sum, wordList, chat.ChatML)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
