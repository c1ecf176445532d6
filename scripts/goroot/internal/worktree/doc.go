// Package worktree keeps the series as commits in a git work tree, for a
// person to change with git as usual.
//
// The work tree is a whole Go source on branch weir: the commit tagged base is
// the stock version, and each commit after it is a patch. [Edit] makes it,
// [Save] writes the commits back as the series, and [Rebase] makes one on
// another version of Go and merges the patches into it one by one.
//
// What the tool must know later lies in .git/weir.json ([State]); the tree
// itself is the person's. Nothing that is not saved is overwritten unless
// forced, and a tree appears in its place whole or not at all.
//
//	state of the tree            edit            save             rebase --continue
//	as the series                done already    writes the same  nothing to go on with
//	other commits                refused         writes them      nothing to go on with
//	uncommitted changes          refused         refused          nothing to go on with
//	rebase waits for a person    refused         refused          goes on
package worktree
