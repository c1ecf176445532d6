package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// sources are the Flask service.
//
//go:embed service/*.py
var sources embed.FS

// requirements is an error if the arm's service cannot run here.
func requirements() error {
	if *arm != "flask" {
		return nil
	}
	if err := exec.Command(*python, "-c", "import flask, gunicorn").Run(); err != nil {
		return fmt.Errorf("%s has no Flask or no gunicorn: apt-get install python3-flask gunicorn, or -args=-python=FILE", *python)
	}
	return nil
}

// service returns what to start, and what to call when it has ended.
func service() (cfg served.Config, end func() error, err error) {
	room := *tokens + *promptRoom
	switch *arm {
	case "server":
		return served.Config{Binary: *serverPath, Args: []string{
			"-m", *model, "-np", strconv.Itoa(*connections), "-c", strconv.Itoa(*connections * room), "-t", strconv.Itoa(*threads),
		}}, func() error { return nil }, nil
	case "flask":
		return flask(room)
	}
	return cfg, nil, fmt.Errorf("-arm=%s is neither flask nor server", *arm)
}

// flask returns how gunicorn runs the service, from a folder that end removes.
func flask(room int) (cfg served.Config, end func() error, err error) {
	if *generator != "Locked" && *generator != "Batched" {
		return cfg, nil, fmt.Errorf("-generator=%s is neither Locked nor Batched", *generator)
	}
	if err := requirements(); err != nil {
		return cfg, nil, err
	}
	processes := *workers
	if processes == 0 {
		processes = runtime.NumCPU()
	}
	modelFile, err := filepath.Abs(*model)
	if err != nil {
		return cfg, nil, err
	}
	folder, err := os.MkdirTemp("", "weir-c01-")
	if err != nil {
		return cfg, nil, err
	}
	end = func() error { return os.RemoveAll(folder) }
	files, err := fs.Sub(sources, "service")
	if err == nil {
		err = os.CopyFS(folder, files)
	}
	if err != nil {
		return cfg, nil, errors.Join(err, end())
	}
	setting := func(name, value string) string { return "WEIR_C01_" + name + "=" + value }
	return served.Config{
		Binary: *python,
		Env: []string{
			"PYTHONDONTWRITEBYTECODE=1", setting("MODEL", modelFile), setting("GENERATOR", *generator),
			setting("SEQUENCES", strconv.Itoa(*connections)), setting("SEQUENCE_TOKENS", strconv.Itoa(room)),
			setting("THREADS", strconv.Itoa(*threads)),
		},
		Command: func(host, port string) []string {
			return []string{
				"-m", "gunicorn", "--chdir", folder, "--bind", host + ":" + port, "--worker-class", "gthread",
				"--workers", strconv.Itoa(processes),
				// A thread for each connection, and one for /health: whoever has none is not answered.
				"--threads", strconv.Itoa(*connections + 1), "--log-level", "warning",
				// Nobody asks any more when it is told to end.
				"--graceful-timeout", "3", "service:app",
			}
		},
	}, end, nil
}

// usage is what a service's processes have used.
type usage struct {
	cpu           time.Duration
	residentBytes uint64
}

// usageOf adds up a process and its children: gunicorn's workers.
func usageOf(pid int) (total usage, err error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return total, fmt.Errorf("find a service's processes: %w", err)
	}
	for _, field := range append(strings.Fields(string(children)), strconv.Itoa(pid)) {
		process, err := strconv.Atoi(field)
		if err != nil {
			return total, fmt.Errorf("find a service's processes: %w", err)
		}
		cpu, err := sample.ProcessCPU(process)
		if err != nil {
			return total, err
		}
		memory, err := sample.ProcessMemory(process)
		if err != nil {
			return total, err
		}
		total.cpu += cpu
		total.residentBytes += memory.ResidentBytes
	}
	return total, nil
}
