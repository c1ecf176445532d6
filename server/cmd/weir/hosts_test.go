package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// addressesOf parses --host and listens.
func addressesOf(t *testing.T, host, port string) (all listeners, err error) {
	t.Helper()
	o, err := parseOptions([]string{"-m", "x", "--host", host, "--port", port, "--io", "net"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return listen(t.Context(), &o, slog.New(slog.DiscardHandler))
}

// needIPv6 skips a test where the machine has no IPv6.
func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("not supported here: %v", err)
	}
	_ = l.Close()
}

// --host takes addresses and names with commas, and the last one counts, as with
// llama-server.
func TestHostList(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string // "" is an error
		text string
	}{
		{nil, "127.0.0.1", ""},
		{[]string{"--host", "localhost, [::1],/run/w.sock"}, "localhost ::1 /run/w.sock", ""},
		{[]string{"--host", "0.0.0.0", "--host", "127.0.0.1"}, "127.0.0.1", ""},
		{[]string{"--host", "127.0.0.1,"}, "", "--host is empty, or one of its addresses"},
		{[]string{"--host", strings.Repeat("::1,", 64) + "::1"}, "", "--host has 65 addresses: give 64"},
	} {
		o, err := parseOptions(append([]string{"-m", "x"}, test.args...), io.Discard)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q: %v, want %q", test.args, err, test.text)
			}
			continue
		}
		if got := strings.Join(o.hosts, " "); err != nil || got != test.want {
			t.Errorf("%q: %s, %v; want %s", test.args, got, err, test.want)
		}
	}
}

// All IPv6 beside all IPv4 is the same port twice; alone it is both.
func TestAllAddressesBesideOthers(t *testing.T) {
	needIPv6(t)
	var all listeners
	err := errors.New("not tried")
	for range 50 { // others may have got the port, on one address or the other
		_, port := freeAddress(t)
		if all, err = addressesOf(t, "0.0.0.0, [::]", port); err == nil || !strings.Contains(err.Error(), "the port is in use") {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || reach(all[0], true) != "all IPv4" || reach(all[1], true) != "all IPv6" {
		t.Errorf("%d listeners, %v", len(all), all)
	}
	if err := all.close(); err != nil {
		t.Error(err)
	}
}

// One address that cannot be had is named, and the others are let go.
func TestOneAddressTooMany(t *testing.T) {
	host, port := freeAddress(t)
	taken, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	socket := filepath.Join(t.TempDir(), "api.sock")
	if _, err := addressesOf(t, ownHost(1)+","+socket+","+host, port); err == nil ||
		!strings.Contains(err.Error(), "listen on "+net.JoinHostPort(host, port)+": the port is in use") || !strings.Contains(err.Error(), "leave out of --host") {
		t.Errorf("%v", err)
	}
	for network, address := range map[string]string{"tcp": net.JoinHostPort(ownHost(1), port), "unix": socket} {
		free, err := net.Listen(network, address)
		if err != nil {
			t.Fatalf("it was not let go: %v", err)
		}
		_ = free.Close()
	}
	for path, says := range map[string]string{
		filepath.Join(t.TempDir(), "no", "dir.sock"):                 "the directory of a socket must be there",
		filepath.Join(t.TempDir(), strings.Repeat("x", 120)+".sock"): "give a path of 107 bytes at most",
		write(t, "file.sock", []byte("no socket")):                   "or it is no socket",
	} {
		if _, err := addressesOf(t, path, "0"); err == nil || !strings.Contains(err.Error(), "listen on "+path) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", path, err, says)
		}
	}
}

// by is a client that comes by one address, whatever a request's URL says.
func by(t *testing.T, network, address string) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// streamAs streams an answer by a client, as a page of another site would have its browser do.
func (p *process) streamAs(client *http.Client, host string) (status int, body string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+host+"/v1/completions", strings.NewReader(`{"prompt":"x","max_tokens":4,"stream":true}`))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept-Language", "de")
	response, err := client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// Each address of --host is the same server's: streams, what a page may not ask, and the
// end.
func TestSeveralAddresses(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		first, port := freeAddress(t)
		second := ownHost(1)
		socket := filepath.Join(t.TempDir(), "api.sock")
		p := start(t, "--io", transport, "--host", first+","+second+","+socket, "--port", port)
		clients := map[string]*http.Client{
			"first":  by(t, "tcp", net.JoinHostPort(first, port)),
			"second": by(t, "tcp", net.JoinHostPort(second, port)),
			"socket": by(t, "unix", socket),
		}
		for name, client := range clients {
			for range 2 { // the connection is used again
				if status, body := p.streamAs(client, "localhost"); status != http.StatusOK || !strings.HasSuffix(body, "data: [DONE]\n\n") {
					t.Errorf("%s: status %d, %s", name, status, body)
				}
			}
			want := http.StatusMisdirectedRequest
			if name == "socket" { // where no browser comes by
				want = http.StatusOK
			}
			if status, body := p.streamAs(client, "page.example"); status != want {
				t.Errorf("%s, by another name: status %d, want %d: %s", name, status, want, body)
			}
		}
		p.signal(syscall.SIGTERM)
		code, log := p.wait()
		for _, url := range []string{
			`level=INFO msg="listening as well" url=http://` + net.JoinHostPort(second, port),
			`level=INFO msg="listening as well" url=unix:` + socket,
			"msg=serving url=http://" + net.JoinHostPort(first, port) + " ",
		} {
			if !strings.Contains(log, url) {
				t.Errorf("no %q in the log: %s", url, log)
			}
		}
		if code != exitDone {
			t.Errorf("exit code %d, log: %s", code, log)
		}
		for network, address := range map[string]string{"tcp": net.JoinHostPort(second, port), "unix": socket} {
			free, err := net.Listen(network, address)
			if err != nil {
				t.Fatalf("after the end: %v", err)
			}
			_ = free.Close()
		}
	})
}

// A listener that fails ends the server, which says which one it was.
func TestListenerFails(t *testing.T) {
	var all listeners
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	o, err := parseOptions([]string{"-m", "x"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s := startHTTP(all, &o, slog.New(slog.DiscardHandler))
	defer s.Close()
	if err := all[1].Close(); err != nil {
		t.Fatal(err)
	}
	err = s.run(t.Context(), nil, nil, stages{}, slog.New(slog.DiscardHandler))
	if err == nil || !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), fmt.Sprint(all[1].Addr())) {
		t.Errorf("%v", err)
	}
}
