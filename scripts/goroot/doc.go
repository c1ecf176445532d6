// Goroot keeps the patched Go: it fetches stock Go, builds it with the series
// in goroot-patches, and turns the series into commits and back.
//
// Its model is three forms of one thing. The series is text under version
// control; [github.com/weirgo/weir/scripts/goroot/internal/series] reads and
// writes it. The work tree is the series as commits, for a person to change;
// internal/worktree makes it, saves it, and carries it to another Go. The
// toolchain is the series built; internal/toolchain makes and caches it.
// internal/hooks says where a series touches stock Go.
//
//	go run ./scripts/goroot build           # build/go
//	go run ./scripts/goroot edit            # build/goroot-edit, one commit a patch
//	go run ./scripts/goroot save            # back to goroot-patches
//	go run ./scripts/goroot check           # applies, documented, where it hooks
//	go run ./scripts/goroot rebase --to go1.27.5
//
// Results go to standard output, everything else to standard error. Exit
// status: 0 done, 1 failed or something to mend, 2 misuse, 3 a rebase waits
// for somebody to resolve a conflict; go run makes 1 of each.
//
// Limits: unix with git 2.32 and bash; tested on linux/amd64.
package main
