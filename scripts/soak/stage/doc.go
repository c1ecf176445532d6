// Package stage runs a random program that checks itself. Its subject is the
// collector: a goroutine that is parked must keep alive what its stack holds,
// and nothing else keeps it alive.
//
// A [Player] is a goroutine. It goes down through frames of many shapes
// ([Shape]), each of which makes objects that only that frame holds: in locals,
// arrays, objects on the stack, closures, defers, temporaries, results. At the
// bottom it parks in one of many ways, for some cycles of the collector, and
// often gets an object from whoever wakes it. On its way up each frame reads
// its objects back. An object's content follows from its number ([Make],
// [Check]), so one that was freed, clobbered or used again is noticed; some are
// watched as well, by a cleanup and a weak pointer.
//
// The director ([Stage]) runs the collector, wakes whoever is due, and now and
// then changes GOMAXPROCS or takes a profile. Volleys send to hundreds of
// parked receivers while a cycle begins: what is sent is held by a stack whose
// goroutine has not run since.
//
//	func main() {
//		stage.Main(shapes...) // none: those that the package has
//	}
//
// A seed repeats what is done, not the order in which the scheduler does it.
package stage
