# Every command a developer, CI or a release runs. `make` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
EXAMPLE_TOKEN := local

# What pip and npm keep stays in this folder, too.
export PIP_CACHE_DIR := $(CURDIR)/.tools/cache/pip
export npm_config_cache := $(CURDIR)/.tools/cache/npm

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / { printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## debug build for this machine
	$(CARGO) build --locked

.PHONY: run
run: build ## build and serve an example store on port 2773 (STORE=examples/misbehaving.json: slow, failing, throttled)
	@AWS_SESSION_TOKEN=$(EXAMPLE_TOKEN) \
	PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=$(or $(STORE),examples/store.json) \
	PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL=$${PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL:-DEBUG} \
	tools/run $(TARGET_DIR)/debug/parameters-secrets-extension

.PHONY: check
check: build ## can values be read from here? On AWS: make check ITEMS="secret:NAME parameter:/NAME"
	@$(if $(ITEMS),,AWS_SESSION_TOKEN=$(EXAMPLE_TOKEN) PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=examples/store.json) \
	$(TARGET_DIR)/debug/parameters-secrets-extension --check \
		$(or $(ITEMS),secret:example/plain parameter:/example/secure)

# `make test SKIP=end-to-end` goes without them, where a machine permits no namespaces.
SKIP ?=

.PHONY: test
test: test-prerequisites test-rust test-e2e test-openapi ## every test: unit, integration, end to end with AWS's emulator, the interface

# In the first second, not after minutes.
.PHONY: test-prerequisites
test-prerequisites:
ifneq ($(SKIP),end-to-end)
	@tools/prerequisites
	@tests/end_to_end/sandbox true || { tests/end_to_end/explain_missing_namespaces; exit 1; }
endif

.PHONY: test-rust
test-rust: ## unit and integration tests
	@echo "== unit and integration tests: building" >&2
	@$(CARGO) test --locked --no-run
	@echo "== unit and integration tests: running" >&2
	$(CARGO) test --locked

# The unit and integration tests have built the programs, too. To build them alone takes minutes
# more: cargo then compiles their libraries again, without what tests need of these.
PROGRAMS := $(if $(filter test ci,$(MAKECMDGOALS)),test-rust,build)

.PHONY: test-e2e
test-e2e: $(PROGRAMS) ## end to end: Lambda's emulator, moto, real clients
ifeq ($(SKIP),end-to-end)
	@echo "== end-to-end tests: skipped, as SKIP=end-to-end asks" >&2
else
	tests/end_to_end/run
endif

.PHONY: test-openapi
test-openapi: $(PROGRAMS) ## every operation of docs/openapi.yaml against the program
	@echo "== docs/openapi.yaml against the program" >&2
	tests/openapi/run

.PHONY: clients
clients: build ## HTTP clients as people use them, against the real program
	tools/install-layer go clients
	CLIENTS=all tests/end_to_end/run -k test_clients

# With CELLS="refuses expired" only the cells whose names have these words, and no page.
.PHONY: faults
faults: build ## every fault times every state of an entry, freezes at every step; writes docs/faults.md (4 minutes)
	@tests/end_to_end/sandbox true || { tests/end_to_end/explain_missing_namespaces; exit 1; }
	tools/install python
	cd tests/end_to_end && PYTHONDONTWRITEBYTECODE=1 \
	EXTENSION_BINARY=$(abspath $(TARGET_DIR))/debug/parameters-secrets-extension \
	./sandbox ../../.tools/venv/bin/python -m faults $(CELLS)

.PHONY: hostile
hostile: ## hostile clients at full length against the release build: memory, and the latency of another client (2 minutes)
	$(CARGO) build --release --locked --bin parameters-secrets-extension
	@HOSTILE=full EXTENSION_BINARY=$(abspath $(TARGET_DIR))/release/parameters-secrets-extension \
		$(CARGO) test --locked --test hostile -- --test-threads=1 --nocapture

.PHONY: demo
demo: build ## watch 100 threads ask at once, under AWS's emulator
	tools/demo

.PHONY: recording
recording: build ## the README's moving picture, from a real run; writes docs/recording.svg
	tools/recording $(TARGET_DIR)/debug/parameters-secrets-extension docs/recording.svg

.PHONY: tools
tools: ## install what tests and demo need, into .tools
	tools/install

.PHONY: fmt
fmt: ## format
	$(CARGO) fmt

.PHONY: lint
lint: ## formatting, clippy, docs
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked --quiet

.PHONY: deny
deny: ## licences, advisories, duplicates, sources, and what must never be linked in
	tools/deny

.PHONY: lean-ssm
lean-ssm: ## whether a newer aws-sdk-ssm may be taken (docs/decisions/0013)
	tools/lean-ssm

.PHONY: package
package: ## the crate as a registry would have it, compiled once: what cargo install builds
	CARGO_TARGET_DIR=$(abspath $(TARGET_DIR)) $(CARGO) package --locked --quiet $(if $(CI),,--allow-dirty)

.PHONY: ci
ci: lint deny package test layer-and-soak layer-examples ## what CI runs

# The layer's last steps keep one processor busy for minutes; the soak has the other.
.PHONY: layer-and-soak
layer-and-soak:
	$(MAKE) --jobs=2 --output-sync=target layer-check-x86_64 soak SOAK_MINUTES=5

.PHONY: clean
clean: ## remove what was built and installed
	rm -rf .tools dist
	$(CARGO) clean

-include layer/layer.mk
-include benches/bench.mk
-include tests/long.mk
