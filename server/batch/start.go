package batch

// start runs the engine goroutine. It is the one place that decides which
// group of goroutines it belongs to.
func start(run func()) { go run() }
