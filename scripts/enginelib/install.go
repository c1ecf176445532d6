package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/weirgo/weir/scripts/internal/npm"
)

// pinned is built from llama.cpp release v0.5.0. Another version means another
// ABI: change server/engine/llama with it.
var pinned = npm.Package{
	Name:      "@node-llama-cpp/linux-x64",
	Version:   "3.22.1",
	Integrity: "5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==",
}

// library is what of it is unpacked, with room for the library's GPU builds.
var library = npm.Selection{Destination: destination, Files: 64, FileBytes: 512 << 20, AllBytes: 1 << 30}

const useYourOwn = "or set LLAMA_LIB to a directory with libllama of llama.cpp release 0.5.0"

// install returns the directory under cache that holds the pinned library,
// after getting it if it is not there.
func install(ctx context.Context, cache string) (dir string, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("install %s: it is for linux/amd64, this is %s/%s, %s", pinned, runtime.GOOS, runtime.GOARCH, useYourOwn)
	}
	if dir, err = pinned.Install(ctx, cache, library); err != nil {
		return "", fmt.Errorf("%w, %s", err, useYourOwn)
	}
	return dir, nil
}

// folder has the shared objects in the archive.
const folder = "package/bins/linux-x64/"

// sharedObject is the name of a part of the library.
var sharedObject = regexp.MustCompile(`^lib[a-z0-9-]+(\.v[0-9.]+)?\.so(\.[0-9.]+)?$`)

// destination returns the name and mode an entry is unpacked with, "" for one
// that is not wanted.
func destination(entry string) (name string, mode os.FileMode) {
	switch entry {
	case "package/LICENSE", "package/package.json":
		return strings.TrimPrefix(entry, "package/"), 0o644
	}
	base, inFolder := strings.CutPrefix(entry, folder)
	switch {
	case !inFolder:
		return "", 0
	case base == "_nlcBuildMetadata.json":
		return base, 0o644
	case sharedObject.MatchString(base):
		return base, 0o755
	default:
		return "", 0
	}
}
