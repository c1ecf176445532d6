// Package schedtracetest writes Go execution traces of programs that never ran, for
// tests that need to know to the nanosecond what is in one.
//
//	w := schedtracetest.New(2)              // GOMAXPROCS
//	m := w.Thread(1)
//	m.At(1000).ProcStart(0)
//	m.At(1100).Create(10, "main.worker")
//	m.At(1500).Start(10)
//	trace := w.Bytes()
//
// # Model
//
// The format is Go 1.26's, a unit of its clock 1 ns. A [Thread] has a time, which [Thread.At]
// sets, and each call writes an event then. A reader orders the events of all threads by
// their times. Sequence numbers are kept here; that the events make sense is up to the
// caller: a trace that contradicts itself can be written, too.
//
// # Limits
//
// Times of a thread never go back. A new generation ([Writer.NextGeneration]) begins with
// all goroutines waiting and all Ps idle.
package schedtracetest
