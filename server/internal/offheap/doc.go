// Package offheap is large memory outside Go's heap: the collector neither walks
// nor counts it, and it is gone when it is freed.
//
// The state of a long sequence has gigabytes and lives for a moment. On the heap
// it would double what the collector lets grow.
//
//	memory, err := offheap.New(bytes)
//	if err != nil { ... }
//	defer offheap.Free(memory)
//
// # Limits
//
// Who uses memory after Free takes the process down: it belongs to one owner, who
// frees it once. A page of it costs memory once it is used.
package offheap
