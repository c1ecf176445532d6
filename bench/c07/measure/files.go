package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/file"
)

const (
	fileRounds    = 5  // dd and ours by turns
	cancelRounds  = 20 // each at another moment of a read
	fileChunkSize = 1 << 20
)

// measureFiles compares reads of a file past the page cache with dd's, and
// measures how long calling one off takes.
func measureFiles(ctx context.Context, r *sample.Recorder, sizeBytes int) (err error) {
	if sizeBytes == 0 {
		return nil
	}
	path, err := writeFile(sizeBytes)
	if err != nil {
		return fmt.Errorf("write file to read: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	arena, err := file.NewArena(sizeBytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, arena.Close()) }()
	reader, err := file.NewReader(arena, file.Config{Backend: iouring.BackendURing})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	read := func(ctx context.Context) error { return reader.Read(ctx, path, 0, 0, sizeBytes, nil) }
	if err := read(ctx); err != nil { // warm up: the arena's pages
		return err
	}
	var ours, dd []float64
	for range fileRounds {
		spent, err := timed(func() error {
			return exec.CommandContext(ctx, "dd", "if="+path, "of=/dev/null", "iflag=direct", "bs=1M", "status=none").Run()
		})
		if err != nil {
			return fmt.Errorf("run dd iflag=direct: %w", err)
		}
		dd = append(dd, float64(sizeBytes)/1e6/spent.Seconds())
		if spent, err = timed(func() error { return read(ctx) }); err != nil {
			return err
		}
		ours = append(ours, float64(sizeBytes)/1e6/spent.Seconds())
	}
	slices.Sort(ours)
	slices.Sort(dd)
	r.Set("files/mb_per_second", ours[fileRounds/2])
	r.Set("files/dd_mb_per_second", dd[fileRounds/2])
	r.Set("files/rate_vs_dd", ours[fileRounds/2]/dd[fileRounds/2])
	whole := time.Duration(float64(sizeBytes) / 1e6 / ours[fileRounds/2] * float64(time.Second))
	worst, err := worstCancel(ctx, read, whole)
	r.Set("files/cancel_ms", float64(worst.Microseconds())/1000)
	return err
}

// worstCancel calls reads off at moments spread over their length and returns
// the longest time from there to their return.
func worstCancel(ctx context.Context, read func(context.Context) error, whole time.Duration) (time.Duration, error) {
	var worst time.Duration
	for i := range cancelRounds {
		ctx, cancel := context.WithCancel(ctx)
		var called time.Time
		timer := time.AfterFunc(whole*time.Duration(i)/cancelRounds, func() {
			called = time.Now()
			cancel()
		})
		err := read(ctx)
		returned := time.Now()
		if timer.Stop(); err == nil {
			cancel()
			continue // it was faster
		}
		if !errors.Is(err, context.Canceled) {
			return 0, err
		}
		worst = max(worst, returned.Sub(called))
	}
	return worst, nil
}

func timed(f func() error) (time.Duration, error) {
	begin := time.Now()
	err := f()
	return time.Since(begin), err
}

// writeFile writes what does not compress, to the disk.
func writeFile(sizeBytes int) (path string, err error) {
	file, err := os.CreateTemp("", "c07-*.bin")
	if err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	chunk := make([]byte, fileChunkSize)
	rng := rand.New(rand.NewSource(7))
	for left := sizeBytes; left > 0; left -= len(chunk) {
		chunk = chunk[:min(left, len(chunk))]
		_, _ = rng.Read(chunk) // never fails
		if _, err := file.Write(chunk); err != nil {
			return file.Name(), err
		}
	}
	return file.Name(), file.Sync()
}
