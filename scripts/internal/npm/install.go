package npm

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// Package is one version of a package.
type Package struct {
	Name, Version string
	Integrity     string // SHA-512 of the packed file, base64, as npm writes it
}

func (p Package) String() string { return p.Name + "@" + p.Version }

// key names the package's folder in a cache.
func (p Package) key() (string, error) {
	sum, err := base64.StdEncoding.DecodeString(p.Integrity)
	if err != nil || len(sum) != sha512.Size {
		return "", fmt.Errorf("%s: its pinned hash is not a SHA-512", p)
	}
	return hex.EncodeToString(sum)[:16], nil
}

// Install returns the folder of a cache that holds the selected files, after
// getting them if they are not there. Errors say what to do about npm.
func (p Package) Install(ctx context.Context, cache string, s Selection) (dir string, err error) {
	key, err := p.key()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, key)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	dir, err = checkout.Install(cache, key, func(work string) (string, error) {
		packed, err := p.pack(ctx, work)
		if err != nil {
			return "", err
		}
		unpacked := filepath.Join(work, "unpacked")
		return unpacked, p.unpackVerified(packed, unpacked, s)
	})
	if err != nil {
		return "", fmt.Errorf("install %s: %w", p, err)
	}
	return dir, nil
}

// unpackVerified checks the hash of a packed archive and then unpacks the very
// bytes that were checked.
func (p Package) unpackVerified(packed, dir string, s Selection) error {
	file, err := os.Open(packed)
	if err != nil {
		return fmt.Errorf("verify %s: %w", p, err)
	}
	defer file.Close()
	hash := sha512.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("verify %s: %w", p, err)
	}
	if got := base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != p.Integrity {
		return fmt.Errorf("verify %s: its SHA-512 is %s, but %s is pinned: what npm delivered is not the release; "+
			"empty npm's cache (npm cache clean --force), or check which registry npm is set to (npm config get registry)", p, got, p.Integrity)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("verify %s: %w", p, err)
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("unpack %s: %w", p, err)
	}
	if err := unpack(file, dir, s); err != nil {
		return fmt.Errorf("unpack %s: %w", p, err)
	}
	return nil
}
