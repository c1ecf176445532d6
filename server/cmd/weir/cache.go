package main

import (
	"fmt"
	"math"
)

// cacheOptions are the flags of what is kept of prompts beside the engine's context.
type cacheOptions struct {
	ram       int // MiB; -1: without limit; cacheByMachine
	dir       string
	diskLimit int // MiB; 0: by what the disk has
}

// cacheByMachine is llama-server's default, or what the machine has.
const cacheByMachine = math.MinInt

func defaultCache() cacheOptions { return cacheOptions{ram: cacheByMachine} }

// What is kept in memory by default: as much as with llama-server, where that is no more
// than a quarter of what the machine has left beside the model.
const (
	mostCacheRAM = 8 << 30
	cacheRAMPart = 4
)

func (c *cacheOptions) define(f *flagSet) {
	f.whole(&c.ram, "cram cache-ram", "MIB", "for states of prompts that -np sequences have no room for, restored where that is faster than computing; 0: none, -1: no limit; default 8192, or a quarter of what is available")
	f.named(&c.dir, "cache-disk", "DIR", "directory of this server's own for such states, beyond --cache-ram and across restarts")
	f.whole(&c.diskLimit, "cache-disk-limit", "MIB", "for the files there; default 32768, or half of what is free")
}

// check reports the first flag out of range.
func (c *cacheOptions) check() error {
	switch {
	case c.ram != cacheByMachine && (c.ram < -1 || c.ram > 1<<30):
		return fmt.Errorf("serve: --cache-ram is %d: give a number of MiB, 0 for none or -1 for no limit", c.ram)
	case c.diskLimit < 0 || c.diskLimit > 1<<30:
		return fmt.Errorf("serve: --cache-disk-limit is %d: give a number of MiB", c.diskLimit)
	case c.diskLimit > 0 && c.dir == "":
		return fmt.Errorf("serve: --cache-disk-limit without --cache-disk: name a directory")
	}
	return nil
}

// ramBytes is asked for when the model is loaded. -1 is without limit.
func (c *cacheOptions) ramBytes() int {
	switch {
	case c.ram == cacheByMachine:
		available, ok := memoryAvailable()
		if !ok {
			return 0
		}
		return int(min(mostCacheRAM, available/cacheRAMPart))
	case c.ram < 0:
		return -1
	}
	return c.ram << 20
}
