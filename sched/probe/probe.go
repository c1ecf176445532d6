package probe

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// Config is how much is followed, and where. Its zero value is for programs that our
// toolchain builds.
type Config struct {
	Symbols Symbols // the zero value stands for RuntimeSymbols

	// Goroutines and Threads bound how many are followed at once: 65536 and 4096 if
	// they are 0. What happens to more is counted for their groups, but not how long
	// they wait or run; Snapshot.Lost says how often. A goroutine takes some 150 bytes
	// of the kernel's memory.
	Goroutines, Threads int
}

const (
	defaultGoroutines = 1 << 16
	defaultThreads    = 1 << 12
)

// A Probe is attached to one process. It is for one goroutine at a time.
type Probe struct {
	process   *process
	version   string
	names     *names
	maps      map[string]*ebpf.Map
	programs  map[string]*ebpf.Program
	links     []link.Link // in the order in which they were made
	began     uint64
	separated bool // each point is attached alone, for kernels before 6.6
}

// Attach begins to watch a process. It changes nothing in it but the first bytes of
// probe points and their semaphore; the kernel changes both back when the Probe is
// closed, or when this process ends in whatever way. An error says what to do, and
// leaves nothing attached.
func Attach(pid int, c Config) (*Probe, error) {
	return attach(pid, c, surroundings{types: kernelTask, multi: features.HaveBPFLinkUprobeMulti})
}

// surroundings is what a machine may lack.
type surroundings struct {
	types func() (taskOffsets, error)
	multi func() error // nil if the kernel attaches many points at once
}

func attach(pid int, c Config, around surroundings) (*Probe, error) {
	p := &Probe{}
	if err := p.attach(pid, c.filled(), around); err != nil {
		return nil, fmt.Errorf("probe: attach to process %d: %w", pid, errors.Join(err, p.Close()))
	}
	return p, nil
}

func (c Config) filled() Config {
	if c.Symbols == (Symbols{}) {
		c.Symbols = RuntimeSymbols
	}
	if c.Goroutines <= 0 {
		c.Goroutines = defaultGoroutines
	}
	if c.Threads <= 0 {
		c.Threads = defaultThreads
	}
	return c
}

func (p *Probe) attach(pid int, c Config, around surroundings) (err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return &problem{ErrNotSupported, "this is " + runtime.GOOS + " on " + runtime.GOARCH, "only Linux on amd64 is supported"}
	}
	if p.process, err = openProcess(pid); err != nil {
		return err
	}
	file, err := p.process.open()
	if err != nil {
		return err
	}
	defer file.Close()
	im, err := readImage(file, c.Symbols)
	if err != nil {
		return err
	}
	p.version = im.version
	if err := p.load(c, around); err != nil {
		return err
	}
	if p.began, err = monotonic(); err != nil {
		return err
	}
	if err := p.attachPoints(im); err != nil {
		return explain("attach to its probe points", err)
	}
	if p.process.ended() { // and its number may be another's
		return &problem{ErrNoProcess, "it has ended", remedyProcess}
	}
	p.names = p.process.openNames(im.names)
	return nil
}

// load puts maps and programs into the kernel.
func (p *Probe) load(c Config, around surroundings) error {
	task, err := around.types()
	if err != nil {
		return err
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return explain("raise the limit of locked memory", err)
	}
	err = around.multi()
	if p.separated = errors.Is(err, ebpf.ErrNotSupported); err != nil && !p.separated {
		return explain("ask the kernel what it offers", err)
	}
	loaded, err := ebpf.NewCollection(collection(c, task, p.separated))
	if err != nil {
		return explain("load programs into the kernel", err)
	}
	p.maps, p.programs = loaded.Maps, loaded.Programs
	return nil
}

// kernelTask looks up where the running kernel has what is read of its threads.
func kernelTask() (taskOffsets, error) {
	kernel, err := btf.LoadKernelSpec()
	if errors.Is(err, ebpf.ErrNotSupported) {
		return taskOffsets{}, &problem{ErrNotSupported, "the kernel does not say what its types are like (BTF)",
			"use one with CONFIG_DEBUG_INFO_BTF, which has the file /sys/kernel/btf/vmlinux"}
	}
	if err != nil {
		return taskOffsets{}, explain("read the kernel's types (BTF)", err)
	}
	var task *btf.Struct
	if err := kernel.TypeByName("task_struct", &task); err != nil {
		return taskOffsets{}, explain("read the kernel's types (BTF)", err)
	}
	var offsets taskOffsets
	for _, member := range task.Members {
		switch member.Name {
		case "pid":
			offsets.pid = int16(member.Offset.Bytes())
		case "tgid":
			offsets.tgid = int16(member.Offset.Bytes())
		}
	}
	if offsets.pid == 0 || offsets.tgid == 0 {
		return taskOffsets{}, &problem{ErrNotSupported, "the kernel's threads are not what they were", remedyKernel}
	}
	return offsets, nil
}

// attachPoints attaches programs: to switches first, so that a thread that is seen is
// followed from then on.
func (p *Probe) attachPoints(im *image) error {
	switches, err := link.AttachTracing(link.TracingOptions{Program: p.programs[programSwitch]})
	if err != nil {
		return err
	}
	p.links = append(p.links, switches)
	program, err := link.OpenExecutable(p.process.path("exe"))
	if err != nil {
		return err
	}
	if err := p.attachTo(program, programWorld, im, goroutinePoints, points); err != nil {
		return err
	}
	return p.attachTo(program, programGoroutine, im, 0, goroutinePoints)
}

// attachTo attaches a program to the points from first to before end.
func (p *Probe) attachTo(to *link.Executable, program string, im *image, first, end int) error {
	var options link.UprobeMultiOptions
	for point := first; point < end; point++ {
		options.Addresses = append(options.Addresses, im.points[point])
		options.RefCtrOffsets = append(options.RefCtrOffsets, im.semaphore)
		options.Cookies = append(options.Cookies, cookie(point))
	}
	options.PID = uint32(p.process.id)
	if !p.separated {
		all, err := to.UprobeMulti(nil, p.programs[program], &options)
		if err == nil {
			p.links = append(p.links, all)
		}
		return err
	}
	for i, address := range options.Addresses {
		one, err := to.Uprobe("", p.programs[program], &link.UprobeOptions{
			Address: address, RefCtrOffset: im.semaphore, Cookie: options.Cookies[i], PID: p.process.id,
		})
		if err != nil {
			return err
		}
		p.links = append(p.links, one)
	}
	return nil
}

// GoVersion is the version of Go that the program was built with.
func (p *Probe) GoVersion() string { return p.version }

// Ended reports whether the process has ended, or the Probe was closed.
func (p *Probe) Ended() bool { return p.process == nil || p.process.ended() }

// Close detaches. It may be called again; Read gives [ErrClosed] from then on.
func (p *Probe) Close() error {
	var failed error
	for len(p.links) > 0 {
		last := len(p.links) - 1
		failed = errors.Join(failed, p.links[last].Close())
		p.links = p.links[:last]
	}
	for _, program := range p.programs {
		failed = errors.Join(failed, program.Close())
	}
	for _, table := range p.maps {
		failed = errors.Join(failed, table.Close())
	}
	failed = errors.Join(failed, p.names.close())
	if p.process != nil {
		failed = errors.Join(failed, p.process.close())
	}
	p.programs, p.maps, p.names, p.process = nil, nil, nil, nil
	return failed
}
