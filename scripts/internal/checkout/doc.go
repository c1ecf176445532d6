// Package checkout is what the programs under scripts share about the tree
// that they work on: where its root is, where what they make is cached, and
// how build/ comes to point there.
//
//	root, err := checkout.Root()
//	cache, err := checkout.Cache("engine")
//	moved, err := checkout.Link(filepath.Join(root, "build", "engine"), dir)
//
// # Limits
//
// Root believes the nearest go.mod above the working directory. Two Links of
// the same name at once end with one of the two targets.
package checkout
