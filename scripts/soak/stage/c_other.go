//go:build !linux

package stage

func openC() {}

// Callback calls f.
func (p *Player) Callback(f func()) { f() }

func callback(p *Player) { recvPointer(p) }

func sleepC(p *Player) { sleep(p) }
