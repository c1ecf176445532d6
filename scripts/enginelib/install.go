package main

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// archive is one npm package, and which of its files make the library.
type archive struct {
	name, version string
	integrity     string // SHA-512 of the packed file, base64, as npm writes it
	folder        string // of the shared objects inside
}

// pinned is built from llama.cpp release v0.5.0. Another version means another
// ABI: change server/engine/llama with it.
var pinned = archive{
	name:      "@node-llama-cpp/linux-x64",
	version:   "3.22.1",
	integrity: "5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==",
	folder:    "package/bins/linux-x64",
}

func (a archive) String() string { return a.name + "@" + a.version }

// key names the archive's directory in the cache.
func (a archive) key() (string, error) {
	sum, err := base64.StdEncoding.DecodeString(a.integrity)
	if err != nil || len(sum) != sha512.Size {
		return "", fmt.Errorf("%s: its pinned hash is not a SHA-512", a)
	}
	return hex.EncodeToString(sum)[:16], nil
}

// install returns the directory under cache that holds the archive's library,
// after getting it if it is not there.
func install(ctx context.Context, cache string, a archive) (dir string, err error) {
	key, err := a.key()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, key)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("install %s: it is for linux/amd64, this is %s/%s; %s",
			a, runtime.GOOS, runtime.GOARCH, useYourOwn)
	}
	dir, err = checkout.Install(cache, key, func(work string) (string, error) {
		packed, err := pack(ctx, work, a)
		if err != nil {
			return "", err
		}
		unpacked := filepath.Join(work, "unpacked")
		return unpacked, unpackVerified(packed, unpacked, a)
	})
	if err != nil {
		return "", fmt.Errorf("install %s: %w", a, err)
	}
	return dir, nil
}

// unpackVerified checks the hash of a packed archive and then unpacks the very
// bytes that were checked.
func unpackVerified(packed, dir string, a archive) error {
	file, err := os.Open(packed)
	if err != nil {
		return fmt.Errorf("verify %s: %w", a, err)
	}
	defer file.Close()
	hash := sha512.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("verify %s: %w", a, err)
	}
	if got := base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != a.integrity {
		return fmt.Errorf("verify %s: its SHA-512 is %s, but %s is pinned: what npm delivered is not the release; "+
			"empty npm's cache (npm cache clean --force), check which registry npm is set to (npm config get registry), "+
			"or set LLAMA_LIB", a, got, a.integrity)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("verify %s: %w", a, err)
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("unpack %s: %w", a, err)
	}
	if err := unpack(file, dir, a.folder, defaultLimits); err != nil {
		return fmt.Errorf("unpack %s: %w", a, err)
	}
	return nil
}
