// Package hooks says where a patch touches stock Go, and judges how.
//
// Stock files are those of the unpatched source. The hooks of a patch are the
// declarations of stock files, before or after it, that hold a line it
// changes; a doc comment belongs to its declaration. They are named as Go
// names symbols, by import path and name, so that they survive a move between
// files: runtime.newproc1, runtime.(*mheap).alloc, runtime.g. Assembly is
// named by its TEXT symbols. What lies in no declaration, such as imports, and
// files of no such language are named by their path: VERSION.
//
// The rules:
//   - each run of changed lines in a stock file holds the mark "// ggroup:" or
//     "// schedhook:", or the same with # where that begins a comment, or the
//     mark stands in the line above or below it. Free of marks are VERSION,
//     go.env, text, golden files and testdata;
//   - generated files stay as they are, but for the files of a new experiment,
//     which mkconsts generates: src/internal/goexperiment/exp_*;
//   - a file that one patch adds no later one changes, so that it can be read
//     in one place, and amended there;
//   - Go files are formatted;
//   - the message has its fields and prose, and Touches names the hooks,
//     neither more nor less.
package hooks
