package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certificate makes a self-signed one for the loopback address, and its key, as
// PEM.
func certificate(t *testing.T) (certPEM, keyPEM []byte, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), pool
}

func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(r)
	return string(text), err
}

// A chat streams over HTTP/1.1 and HTTP/2 under TLS, with either transport.
func TestTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	onBoth(t, func(t *testing.T, transport string) {
		p := start(t, "--io", transport, "--ssl-cert-file", write(t, "cert.pem", cert), "--ssl-key-file", write(t, "key.pem", key))
		if !strings.HasPrefix(p.url, "https://") {
			t.Fatalf("serves %s", p.url)
		}
		for _, h2 := range []bool{false, true} {
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: h2}}
			response, err := client.Post(p.url+"/v1/chat/completions", "application/json", strings.NewReader(strings.Replace(endless, "MAX", "20", 1)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := readAll(response.Body)
			response.Body.Close()
			if err != nil || !strings.HasSuffix(body, "data: [DONE]\n\n") || (response.ProtoMajor == 2) != h2 {
				t.Errorf("over %s: %q, %v", response.Proto, body[max(0, len(body)-200):], err)
			}
			client.CloseIdleConnections()
		}
		for _, request := range []string{
			"GET /health HTTP/1.1\nHost: x\n\n",
			"POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		} { // as over plain HTTP
			if answer := exchangeTLS(t, p.url, pool, request); !strings.HasPrefix(answer, "HTTP/1.1 400 Bad Request") {
				t.Errorf("%q is answered %q", request, answer)
			}
		}
		p.signal(syscall.SIGTERM)
		if code, log := p.wait(); code != exitDone {
			t.Errorf("exit code %d, log: …%s", code, log[max(0, len(log)-1000):])
		}
	})
}

// exchangeTLS sends bytes and returns the answer, to the end of the connection.
func exchangeTLS(t *testing.T, url string, pool *x509.CertPool, request string) string {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	answer, err := readAll(c)
	if err != nil {
		t.Errorf("read the answer: %v", err)
	}
	return answer
}

func TestBadTLSFiles(t *testing.T) {
	cert, key, _ := certificate(t)
	_, other, _ := certificate(t)
	certFile, keyFile, otherFile := write(t, "cert.pem", cert), write(t, "key.pem", key), write(t, "other.pem", other)
	for _, test := range []struct {
		name string
		args []string
		code int
		text string
	}{
		{"no key", []string{"--ssl-cert-file", certFile}, exitUsage, "add --ssl-key-file"},
		{"no certificate", []string{"--ssl-key-file", keyFile}, exitUsage, "add --ssl-cert-file"},
		{"missing file", []string{"--ssl-cert-file", "/nowhere/c", "--ssl-key-file", keyFile}, exitFailed, "/nowhere/c"},
		{"another's key", []string{"--ssl-cert-file", certFile, "--ssl-key-file", otherFile}, exitFailed, "private key does not match public key"},
		{"swapped", []string{"--ssl-cert-file", keyFile, "--ssl-key-file", certFile}, exitFailed, "PEM certificate chain"},
	} {
		code, _, stderr := weir(t, nil, append([]string{"serve", "-m", "x"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.text) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q", test.name, code, stderr)
		}
	}
}
