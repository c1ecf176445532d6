// Package file reads large parts of files into memory that does not move: many
// reads in flight through io_uring, past the page cache, into huge pages that the
// kernel has registered.
//
// # Model
//
// An [Arena] is the memory. A [Reader] has a ring thread of its own, which keeps
// Depth reads of PieceBytes in flight; cancelling the context calls them off.
//
//	arena, err := file.NewArena(size)
//	reader, err := file.NewReader(arena, file.Config{})
//	err = reader.Read(ctx, path, offset, 0, size, nil)
//	use(arena.Bytes())
//
// # Limits
//
// Linux on 64-bit machines. One Read of a Reader goes at a time. Without io_uring
// as many goroutines as there would be reads call pread(2).
package file
