package tenants_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/server/tenants"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "keys.json")
	content := fmt.Sprintf(`{"keys": [{"name": "acme", "sha256": "%x", "tier": "priority", "in_flight": 1}]}`, sha256.Sum256([]byte("sk-acme")))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		panic(err)
	}
	file, err := tenants.Open(path)
	if err != nil {
		panic(err)
	}
	tenant := file.Table().Find(sha256.Sum256([]byte("sk-acme")))
	fmt.Println(tenant.Name, tenant.Tier)
	visit, _ := tenant.Enter()
	_, err = tenant.Enter()
	fmt.Println(err)
	visit.Leave()
	_, err = tenant.Enter()
	fmt.Println(err)
	// Output:
	// acme priority
	// this API key has as many requests in flight as it may (1): wait until one of them has ended
	// <nil>
}
