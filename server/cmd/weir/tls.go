package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
)

// tlsConfig reads the certificate; nil is plain HTTP.
func tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case keyFile == "":
		return nil, usageErrorf("serve: --ssl-cert-file without its key: add --ssl-key-file")
	case certFile == "":
		return nil, usageErrorf("serve: --ssl-key-file without its certificate: add --ssl-cert-file")
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("serve: read TLS files: %w: check --ssl-cert-file and --ssl-key-file, and that this user may read them", err)
	}
	if err != nil {
		return nil, fmt.Errorf("serve: TLS files %s and %s: %w: give a PEM certificate chain, the server's own first, with --ssl-cert-file, "+
			"and its unencrypted PEM key with --ssl-key-file", certFile, keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}, nil
}
