// Package trial finds out in a child process whether the engine library
// survives a model file.
//
// # Model
//
// The library is C++ that ends its process on what it does not expect. Package
// check refuses what is known to do that, and [Run] tries the rest: the child,
// which is this program again, loads the file, has every byte and some texts
// made tokens, and, unless only the vocabulary is asked for, computes a few
// tokens whose logits must be numbers. It says what it is about before it does
// it. If it dies, for whatever reason, the error is one sentence with what it
// was doing and the library's last words.
//
//	report, err := trial.Verify(ctx, library, "model.gguf", trial.Config{})
//
// [Verify] is what comes before serving: the check, then the trial of the
// vocabulary, and of the whole file if it has not passed one before. What has
// passed is remembered in the user's cache directory by what the file is, not
// where (see [check.Model.Identity]), together with the library and the
// machine's CPU features. That directory may be missing or read-only.
//
// # The child
//
// A program that uses this package answers the command line [Command] with
// [Child]. The child lives as long as its standard input is open, so it dies
// with its parent, however that ends; it bounds its own memory, asks the kernel
// to be killed first when memory is short, and leaves no core file.
package trial
