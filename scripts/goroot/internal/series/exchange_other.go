//go:build !linux

package series

func exchange(a, b string) error { return exchangeByRename(a, b) }
