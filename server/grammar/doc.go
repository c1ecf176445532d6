// Package grammar holds what a model says to a form: JSON, a JSON schema, a
// grammar in GBNF.
//
// # Model
//
//	form ── gbnf, schema ─► rules ── syntax ─► program ─┐
//	                                                    ├─► Grammar ─► Matcher, one a generation
//	tokens of a model ─────────────────► Vocabulary ────┘
//
// A [Compiler] makes a [Grammar] of a [Form], and keeps those used last. A
// [Matcher] knows, after each token of a generation, which may come next: a bit
// for each token of the vocabulary.
//
//	words := grammar.NewVocabulary(size, piece, isEnd) // once a model
//	compiler := grammar.NewCompiler(words, grammar.Config{})
//
//	g, err := compiler.Compile(ctx, grammar.Form{Format: format}) // once a request, off the engine's goroutine
//	m := g.Matcher()
//	for {
//		allowed := m.Allowed() // before a token is drawn
//		...
//		m.Accept(token) // after
//	}
//
// With a [Trigger] all is allowed until it has been said. A [Watch] waits as well,
// and lets go when the grammar's text may end: for a text with calls of tools in it,
// any number of times. It knows where words count and where they do not; while it
// waits, only tokens are forbidden that begin a call and go on otherwise than the
// grammar says.
//
// # Cost
//
// A program reads bytes and calls rules. A state is all places where it may be,
// calls included; it is learnt when it is reached first, and all generations of a
// grammar share what has been learnt: which state each byte leads to, and which
// tokens a state allows. A token that was learnt about costs a look-up a byte,
// and a copy of the mask, which is some 20 KiB for 150 000 tokens, if it is
// another one.
//
// A mask is learnt in a walk through the tokens by their bytes. Where all
// characters of plain text lead to the same state, as within a JSON string, only
// tokens that are not plain text are looked at.
//
// # Limits
//
// Control tokens are never allowed, and tokens that end a generation only where
// the text may end. What a form can make a grammar do is bounded: in the size of
// its program (package syntax), in what it remembers (4 MiB, then it forgets and
// learns anew), in the depth of recursion (256), in the places of a state (16 Ki)
// and in the work for one mask. Beyond them ways are not followed: less is
// allowed than the form would, never more. Where nothing is left, the end is
// allowed.
package grammar
