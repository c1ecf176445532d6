// Package checkout is what the programs under scripts share about the tree
// that they work on: where its root is, how what they make comes into a cache,
// and how build/ comes to point there.
//
//	root, err := checkout.Root()
//	cache, err := checkout.Cache("engine")
//	dir, err := checkout.Install(cache, key, fill) // if it is not there
//	moved, err := checkout.Link(filepath.Join(root, "build", "engine"), dir)
//
// # Limits
//
// Root believes the nearest go.mod above the working directory. Two Links of
// the same name at once end with one of the two targets.
package checkout
