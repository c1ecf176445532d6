// Package mailbox is how goroutines, and threads of the kernel's callbacks,
// hand work to one goroutine that does it: without a lock, without an
// allocation, and with at most one wake-up for any number of hand-overs.
//
// # Model
//
// Three parts, used apart or together:
//
//   - [Queue] carries values from many producers to one consumer, in order, and
//     is bounded.
//   - [Feed] carries no values: it lists things that have something to be
//     looked at, each at most once however often it is posted. A thing holds
//     its [Entry].
//   - [Cell] is where the consumer sleeps. [Flag] is its protocol alone, for a
//     consumer that sleeps somewhere else, in the kernel for instance.
//
// The consumer's loop is the same with each:
//
//	for {
//		work off what is there
//		cell.Prepare()
//		if there is more { cell.Stop(); continue }
//		cell.Wait()
//	}
//
// and a producer makes its work visible first and calls Wake then. Each of the
// two stores its own word before it loads the other's, so one of them sees the
// other, and nothing is missed.
//
// # Limits
//
// One consumer. A Queue's length is fixed; a Feed is as long as what it lists.
package mailbox
