package sys

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// NewThreadpool makes a pool of threads for CPU compute, 0 if no CPU backend
// offers one. Without a pool the library starts its threads anew for each
// graph.
func (l *Library) NewThreadpool(threads int) Threadpool {
	newPool := l.cpuProc("ggml_threadpool_new")
	if newPool == 0 {
		return 0
	}
	p := new(ThreadpoolParams)
	purego.SyscallN(l.c.threadpoolDefaults, uintptr(unsafe.Pointer(p)), uintptr(threads))
	r, _, _ := purego.SyscallN(newPool, uintptr(unsafe.Pointer(p)))
	return Threadpool(r)
}

// FreeThreadpool ends a pool's threads. No context may use it any more.
func (l *Library) FreeThreadpool(t Threadpool) {
	purego.SyscallN(l.cpuProc("ggml_threadpool_free"), uintptr(t))
}

// AttachThreadpool makes a context compute on a pool.
func (l *Library) AttachThreadpool(c Context, t Threadpool) {
	purego.SyscallN(l.c.attachThreadpool, uintptr(c), uintptr(t), 0)
}

// SetThreads says on how many threads a context computes from now on: single tokens,
// and batches.
func (l *Library) SetThreads(c Context, threads, batchThreads int32) {
	purego.SyscallN(l.c.setThreads, uintptr(c), uintptr(threads), uintptr(batchThreads))
}

// DetachThreadpool undoes AttachThreadpool.
func (l *Library) DetachThreadpool(c Context) { purego.SyscallN(l.c.detachThreadpool, uintptr(c)) }

// cpuProc returns the address of a function of the CPU backend, which is a
// library of its own, chosen at run time.
func (l *Library) cpuProc(name string) uintptr {
	const cpu = 0 // GGML_BACKEND_DEVICE_TYPE_CPU
	device := l.ask(l.c.deviceByType, cpu)
	if device == 0 {
		return 0
	}
	registry := l.ask(l.c.deviceRegistry, device)
	cname := append([]byte(name), 0)
	r, _, _ := purego.SyscallN(l.c.registryProc, registry, uintptr(unsafe.Pointer(&cname[0])))
	return r
}
