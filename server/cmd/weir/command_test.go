package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// write makes a file in the test's own directory.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		code int
		text string // in stderr, or in stdout with code 0
	}{
		{"nothing", nil, exitUsage, "usage: weir"},
		{"help", []string{"help"}, exitDone, "usage: weir"},
		{"unknown command", []string{"server"}, exitUsage, "serve, top, doctor, models, trace, keys, version"},
		{"serve help", []string{"serve", "-h"}, exitDone, "-np, --parallel N"},
		{"double dash", []string{"serve", "--help"}, exitDone, "--chat-template-file"},
		{"unknown flag", []string{"serve", "--no-such-flag"}, exitUsage, "`weir serve -h` lists the flags"},
		{"argument", []string{"serve", "model.gguf"}, exitUsage, "flags begin with a dash"},
		{"no model", []string{"serve"}, exitUsage, "pass a GGUF file with -m"},
		{"range", []string{"serve", "-m", "x", "-np", "300"}, exitUsage, "-np is 300: give a number from 1 to 256"},
		{"port", []string{"serve", "-m", "x", "--port", "70000"}, exitUsage, "--port is 70000"},
		{"number", []string{"serve", "-m", "x", "-c", "many"}, exitUsage, "invalid value"},
		{"temperature", []string{"serve", "-m", "x", "--temp", "NaN"}, exitUsage, "--temp is NaN"},
		{"timeout", []string{"serve", "-m", "x", "--timeout", "0"}, exitUsage, "positive"},
		{"transport", []string{"serve", "-m", "x", "--io", "tcp"}, exitUsage, `--io is "tcp": give one of uring, net`},
		{"level", []string{"serve", "-m", "x", "--log-level", "loud"}, exitUsage, "debug, info, warn or error"},
		{"templates", []string{"serve", "-m", "x", "--chat-template", "a", "--chat-template-file", "b"}, exitUsage, "give one"},
		{"no template file", []string{"serve", "-m", "x", "--chat-template-file", "/nowhere/t"}, exitFailed, "/nowhere/t"},
		{"no key file", []string{"serve", "-m", "x", "--api-key-file", "/nowhere/k"}, exitFailed, "/nowhere/k"},
		{"empty key file", []string{"serve", "-m", "x", "--api-key-file", write(t, "keys", []byte("\n \n"))}, exitFailed, "write one a line"},
		{"no models command", []string{"models"}, exitUsage, "it is one of verify"},
		{"unknown models command", []string{"models", "check"}, exitUsage, `unknown command "check"`},
		{"models help", []string{"models", "-h"}, exitDone, "usage: weir models COMMAND"},
		{"no file", []string{"models", "verify"}, exitUsage, "0 arguments given, not FILE"},
		{"empty key", []string{"serve", "-m", "x", "--api-key", ""}, exitUsage, "--api-key: key 1 of 1 is empty"},
		{"a comma for a key", []string{"serve", "-m", "x", "--api-key", ","}, exitUsage, "--api-key: key 1 of 2 is empty"},
		{"blanks for a key", []string{"serve", "-m", "x", "--api-key", " \t"}, exitUsage, "--api-key: key 1 of 1 is empty"},
		{"a key too many", []string{"serve", "-m", "x", "--api-key", "secret,"}, exitUsage, "--api-key: key 2 of 2 is empty"},
		{"an empty key after one", []string{"serve", "-m", "x", "--api-key", "secret", "--api-key", ""}, exitUsage, "--api-key: key 2 of 2 is empty"},
		{"a key nobody can send", []string{"serve", "-m", "x", "--api-key", "a\nb"}, exitUsage, "key 1 of 1 has a control character"},
		{"such a key in a file", []string{"serve", "-m", "x", "--api-key-file", write(t, "keys", []byte("ok\na\x01b\n"))}, exitFailed, "key 2 of 2 has a control character"},
		{"no name of a key file", []string{"serve", "-m", "x", "--api-key-file", ""}, exitUsage, "-api-key-file: it is empty: give FILE, or leave the flag out"},
		{"no file of --keys", []string{"serve", "-m", "x", "--keys", "/nowhere/k"}, exitFailed, "serve: --keys: tenants: read keys: open /nowhere/k"},
		{"a file of --keys without keys", []string{"serve", "-m", "x", "--keys", write(t, "keys", []byte(`{"keys":[]}`))}, exitFailed, "it holds no keys"},
		{"no name of a file of --keys", []string{"serve", "-m", "x", "--keys="}, exitUsage, "-keys: it is empty"},
		{"no names for TLS", []string{"serve", "-m", "x", "--ssl-cert-file", "", "--ssl-key-file", ""}, exitUsage, "-ssl-cert-file: it is empty"},
		{"no name of a template", []string{"serve", "-m", "x", "--chat-template-file="}, exitUsage, "-chat-template-file: it is empty"},
		{"context for few", []string{"serve", "-m", "x", "-c", "3"}, exitUsage, "-c is 3: that is less than a token for each of -np 4"},
		{"context of more than there are", []string{"serve", "-m", "x", "-c", "1073741824"}, exitUsage, "-c is 1073741824: give a number from 0 to 1073741823"},
		{"a flag behind", []string{"models", "verify", "x", "--json"}, exitUsage, "2 arguments given, not FILE; flags come before"},
		{"arguments in the help", []string{"models", "from-tokenizer", "-h"}, exitDone, "usage: weir models from-tokenizer [flags] DIR OUT.gguf"},
		{"empty host", []string{"serve", "-m", "x", "--host", ""}, exitUsage, "--host is empty"},
		{"request memory", []string{"serve", "-m", "x", "--request-memory", "-1"}, exitUsage, "--request-memory is -1"},
		{"tuning", []string{"serve", "-m", "x", "--gc-tune", "on"}, exitUsage, `--gc-tune is "on": give one of auto, article, off`},
		{"objective", []string{"serve", "-m", "x", "--tpot-ms", "-1"}, exitUsage, "--tpot-ms is -1: give a number from 0 to 600000"},
		{"objective beyond", []string{"serve", "-m", "x", "--tpot-ms", "600001"}, exitUsage, "--tpot-ms is 600001"},
		{"origin", []string{"serve", "-m", "x", "--cors-origins", "*,chat.example"}, exitUsage, `--cors-origins: front: read origin "chat.example"`},
		{"empty origin", []string{"serve", "-m", "x", "--cors-origins", ""}, exitUsage, "give SCHEME://HOST"},
		{"version flag", []string{"version", "-x"}, exitUsage, "`weir version -h`"},
	}
	for _, test := range tests {
		code, stdout, stderr := weir(t, nil, test.args...)
		said := stderr
		if test.code == exitDone {
			said = stdout
		}
		if code != test.code || !strings.Contains(said, test.text) {
			t.Errorf("%s: exit code %d, want %d; said %q, want %q in it", test.name, code, test.code, said, test.text)
		}
		if strings.Contains(said, "secret") {
			t.Errorf("%s: shows a key: %q", test.name, said)
		}
	}
}

func TestObjectiveOfFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		want time.Duration
	}{
		{nil, 0},
		{[]string{"--tpot-ms", "0"}, 0},
		{[]string{"--tpot-ms", "40"}, 40 * time.Millisecond},
		{[]string{"-tpot-ms=7.5"}, 7500 * time.Microsecond},
		{[]string{"--tpot-ms", "600000"}, 10 * time.Minute},
	} {
		o, err := parseOptions(append([]string{"-m", "x"}, test.args...), io.Discard)
		if err != nil || o.tpot() != test.want {
			t.Errorf("%q: %v, %v; want %v", test.args, o.tpot(), err, test.want)
		}
	}
}

func TestKeysFromEnvironment(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
		keys []string
		text string // of the error
	}{
		{"none", nil, nil, nil, ""},
		{"ours", map[string]string{"WEIR_API_KEY": "a, b"}, nil, []string{"a", "b"}, ""},
		{"llama-server's", map[string]string{"LLAMA_API_KEY": "c"}, nil, []string{"c"}, ""},
		{"ours goes first", map[string]string{"WEIR_API_KEY": "a", "LLAMA_API_KEY": "c"}, nil, []string{"a"}, ""},
		{"a flag goes before", map[string]string{"WEIR_API_KEY": "a"}, []string{"--api-key", "d"}, []string{"d"}, ""},
		{"a file adds", map[string]string{"WEIR_API_KEY": "a"}, []string{"--api-key-file", write(t, "keys", []byte("\ufeffe\r\n\n f \n"))}, []string{"a", "e", "f"}, ""},
		{"empty", map[string]string{"WEIR_API_KEY": ""}, nil, nil, "environment variable WEIR_API_KEY: key 1 of 1 is empty"},
		{"blanks", map[string]string{"LLAMA_API_KEY": " , a"}, nil, nil, "environment variable LLAMA_API_KEY: key 1 of 2 is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			o, err := parseOptions(append([]string{"-m", "x"}, test.args...), io.Discard)
			switch {
			case test.text == "" && (err != nil || !slices.Equal(o.keys, test.keys)):
				t.Errorf("%q, %v; want %q", o.keys, err, test.keys)
			case test.text != "" && (err == nil || !strings.Contains(err.Error(), test.text)):
				t.Errorf("%v; want %q", err, test.text)
			}
		})
	}
}

// What is bound is what --host says.
func TestHosts(t *testing.T) {
	for _, test := range []struct {
		host, bound string
		reach       string
		text        string // of the error
	}{
		{"127.0.0.1", "127.0.0.1", "", ""},
		{"0.0.0.0", "0.0.0.0", "all IPv4", ""},
		{"::", "::", "all IPv6 and IPv4", ""},
		{"[::1]", "::1", "", ""},
		{"::ffff:127.0.0.1", "127.0.0.1", "", ""},
		{"localhost", "127.0.0.1", "", ""},
		{"203.0.113.7", "", "", "must be an address of this machine"},
		{"no.such.host.invalid", "", "", "the name of one"},
	} {
		o, err := parseOptions([]string{"-m", "x", "--host", test.host, "--port", "0", "--io", "net"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		all, err := listen(t.Context(), &o, slog.New(slog.DiscardHandler))
		if err != nil {
			if strings.Contains(test.host, ":") && errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) && test.text == "" {
				t.Logf("not supported here: %v", err) // no IPv6
			} else if test.text == "" || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%s: %v; want %q", test.host, err, test.text)
			}
			continue
		}
		if got := all[0].Addr().(*net.TCPAddr).IP.String(); len(all) != 1 || got != test.bound || reach(all[0], o.several()) != test.reach {
			t.Errorf("%s: bound %s, reach %q; want %s, %q", test.host, got, reach(all[0], o.several()), test.bound, test.reach)
		}
		if err := all.close(); err != nil {
			t.Errorf("%s: close: %v", test.host, err)
		}
	}
}

func TestMissingLibrary(t *testing.T) {
	empty := t.TempDir()
	for name, env := range map[string][]string{"not installed": nil, "LLAMA_LIB is empty": {"LLAMA_LIB=" + empty}} {
		code, _, stderr := weir(t, env, "serve", "-m", "model.gguf", "--port", "0")
		if code != exitFailed || !strings.Contains(stderr, "make engine") {
			t.Errorf("%s: serve: exit code %d, %q", name, code, stderr)
		}
		code, stdout, _ := weir(t, env, "doctor")
		if code != exitFailed || !strings.Contains(stdout, "FAIL  engine library") || !strings.Contains(stdout, "→ run `make engine`") {
			t.Errorf("%s: doctor: exit code %d, %s", name, code, stdout)
		}
		code, stdout, _ = weir(t, env, "version")
		if code != exitDone || !strings.Contains(stdout, "engine     none") {
			t.Errorf("%s: version: exit code %d, %s", name, code, stdout)
		}
	}
}

// foreignLibrary makes a directory with shared objects of the right names and
// nothing in them; without a C compiler they are not even shared objects.
func foreignLibrary(t *testing.T) (dir string, compiled bool) {
	dir = t.TempDir()
	compiler, err := exec.LookPath("cc")
	for _, name := range []string{"libggml-base.so", "libggml.so", "libllama.so"} {
		path := filepath.Join(dir, name)
		if err != nil {
			if err := os.WriteFile(path, []byte("not a library\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		source := write(t, "empty.c", []byte("int nothing;\n"))
		if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", path, source).CombinedOutput(); err != nil {
			t.Fatalf("cc: %v\n%s", err, out)
		}
	}
	return dir, err == nil
}

func TestLibraryOfAnotherABI(t *testing.T) {
	dir, compiled := foreignLibrary(t)
	env := []string{"LLAMA_LIB=" + dir}
	want, finding := "check ABI", "FAIL  engine ABI"
	if !compiled {
		want, finding = "open library", "FAIL  engine library"
	}
	code, _, stderr := weir(t, env, "serve", "-m", "model.gguf", "--port", "0")
	if code != exitFailed || !strings.Contains(stderr, want) || !strings.Contains(stderr, "make engine") {
		t.Errorf("serve: exit code %d, %q", code, stderr)
	}
	code, stdout, _ := weir(t, env, "doctor")
	if code != exitFailed || !strings.Contains(stdout, finding) || !strings.Contains(stdout, "cannot work") {
		t.Errorf("doctor: exit code %d, %s", code, stdout)
	}
}

func TestBadModels(t *testing.T) {
	env := withLibrary(t)
	whole, err := os.ReadFile(llamatest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, text string }{
		{"missing", "/nowhere/model.gguf", "check the path"},
		{"directory", t.TempDir(), "directory"},
		{"empty", write(t, "model.gguf", nil), "model.gguf"},
		{"not GGUF", write(t, "model.gguf", []byte(strings.Repeat("This is a text. ", 100))), "model.gguf"},
		{"truncated header", write(t, "model.gguf", whole[:1000]), "model.gguf"},
		{"truncated tensors", write(t, "model.gguf", whole[:len(whole)/2]), "model.gguf"},
	}
	for _, test := range tests {
		code, _, stderr := weir(t, env, "serve", "-m", test.path, "--port", "0")
		if code != exitFailed || !strings.Contains(stderr, test.text) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: serve: exit code %d, %q: want one line", test.name, code, stderr)
		}
		code, stdout, _ := weir(t, env, "doctor", "-m", test.path)
		if code != exitFailed || !strings.Contains(stdout, "FAIL  model") {
			t.Errorf("%s: doctor: exit code %d, %s", test.name, code, stdout)
		}
	}
}

func TestPortInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	code, _, stderr := weir(t, nil, "serve", "-m", "model.gguf", "--port", port)
	if code != exitFailed || !strings.Contains(stderr, "the port is in use") || !strings.Contains(stderr, "--port") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	code, _, stderr = weir(t, nil, "serve", "-m", "model.gguf", "--host", "203.0.113.7")
	if code != exitFailed || !strings.Contains(stderr, "check --host") {
		t.Errorf("foreign address: exit code %d, %q", code, stderr)
	}
}

func TestBadTemplate(t *testing.T) {
	code, _, stderr := weir(t, withLibrary(t), "serve", "-m", llamatest.Model(t), "--port", "0", "--chat-template", "{% for %}")
	if code != exitFailed || !strings.Contains(stderr, "chat: compile template") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

func TestDoctorAndVersion(t *testing.T) {
	env := withLibrary(t)
	code, stdout, stderr := weir(t, env, "doctor", "-m", llamatest.Model(t))
	if code != exitDone || stderr != "" {
		t.Errorf("doctor: exit code %d, %q", code, stderr)
	}
	for _, name := range []string{"kernel", "io_uring", "toolchain", "engine library", "engine ABI", "engine backends",
		"model", "processor", "cores", "memory", "open files", "weir serve works here"} {
		if !strings.Contains(stdout, name) {
			t.Errorf("doctor says nothing about %s:\n%s", name, stdout)
		}
	}
	code, stdout, _ = weir(t, env, "version")
	if code != exitDone || !strings.Contains(stdout, "weir  ") || !strings.Contains(stdout, "toolchain  go1.") || !strings.Contains(stdout, "engine     llama.cpp ") {
		t.Errorf("version: exit code %d, %q", code, stdout)
	}
}

// What doctor and version say of the transport is what serve would take.
func TestTransportFromEnvironment(t *testing.T) {
	chosen, err := chooseTransport("uring")
	if err != nil {
		t.Fatal(err)
	}
	state := "ok    io_uring"
	if chosen.reason != nil {
		state = "warn  io_uring"
	}
	for _, test := range []struct{ env, version, doctor string }{
		{"WEIR_IO=auto", chosen.String(), state},
		{"WEIR_IO=net", "package net, as asked for", "warn  io_uring        switched off by WEIR_IO"},
		{"WEIR_IO=fast", "", "FAIL  io_uring"},
	} {
		env := append(withLibrary(t), test.env)
		code, stdout, stderr := weir(t, env, "version")
		if test.version == "" {
			if code != exitFailed || !strings.Contains(stderr, "WEIR_IO") {
				t.Errorf("%s: version: exit code %d, %q", test.env, code, stderr)
			}
		} else if code != exitDone || !strings.Contains(stdout, "io         "+test.version) {
			t.Errorf("%s: version: exit code %d, %q", test.env, code, stdout)
		}
		if _, stdout, _ = weir(t, env, "doctor"); !strings.Contains(stdout, test.doctor) {
			t.Errorf("%s: doctor says\n%s", test.env, stdout)
		}
	}
}
