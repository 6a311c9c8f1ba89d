# Every command a developer, CI or a release runs. `make` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
EXAMPLE_TOKEN := local

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / { printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

.PHONY: test
test: test-rust test-e2e ## every test: unit, integration, and end to end with AWS's emulator

.PHONY: test-rust
test-rust: ## unit and integration tests
	$(CARGO) test --locked

.PHONY: test-e2e
test-e2e: build ## end to end: Lambda's emulator, moto, real clients
	tests/end_to_end/run

.PHONY: demo
demo: build ## watch 100 threads ask at once, under AWS's emulator
	tools/demo

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

.PHONY: ci
ci: lint deny test layer-check-x86_64 layer-examples ## what CI runs

.PHONY: clean
clean: ## remove what was built and installed
	rm -rf .tools dist
	$(CARGO) clean

-include layer/layer.mk
-include benches/bench.mk
