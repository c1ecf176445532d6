// Package npm gets pinned packages of npm's registry for the scripts.
//
// # Model
//
// A [Package] is a name, a version and the hash of its archive. The user's own
// npm downloads it, with the registry that npm is set to; the hash is checked
// before anything is unpacked, and the files that are wanted go into a folder
// of the cache under the hash. A second time needs neither npm nor the network.
//
// Packages with all that they depend on are a project's: a package.json, and a
// lock file that pins them. [InstallProject] has npm put them into a folder of
// the cache under the hash of these files.
//
// # Limits
//
// What is unpacked of a Package is bounded in number and size. Only plain files
// are, under names that carry no path. No script of a package runs.
package npm
