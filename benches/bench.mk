# Performance: `make bench` measures and writes docs/performance.md; the guard runs with every test.

BENCH_SERVERS := benches/servers/Cargo.toml
# This machine, as the layers are called.
BENCH_ARCHITECTURE := $(subst aarch64,arm64,$(shell uname -m))

.PHONY: bench
bench: bench-tools bench-build ## measure against AWS's agent and others, write docs/performance.md (10 minutes)
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=benches benches/python -m bench

.PHONY: bench-build
bench-build: layer-$(BENCH_ARCHITECTURE) ## build this machine's layer, and what it is measured with
	python3 -m zipfile --extract dist/$(NAME)-$(BENCH_ARCHITECTURE).zip $(TARGET_DIR)/layer
	chmod +x $(TARGET_DIR)/layer/extensions/$(NAME)
	$(CARGO) build --release --locked --manifest-path $(BENCH_SERVERS) --target-dir $(TARGET_DIR)

.PHONY: bench-tools
bench-tools: ## install the load generator and the peers, into .tools where they are missing
	benches/install

.PHONY: bench-guard
bench-guard: ## what one hit and one key at rest allocate, against their budgets (a part of `make test`)
	$(CARGO) test --locked --test suite _cost -- --nocapture

.PHONY: bench-lint
bench-lint: ## formatting and clippy of the programs that are only measured with
	$(CARGO) fmt --check --manifest-path $(BENCH_SERVERS)
	$(CARGO) clippy --locked --manifest-path $(BENCH_SERVERS) --target-dir $(TARGET_DIR) -- -D warnings

.PHONY: fleet
fleet: ## 150 processes against Parameter Store's quota, beside botocore; writes docs/fleet.md (5 minutes)
	$(CARGO) build --release --locked --bin $(NAME)
	tools/install python
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=benches .tools/venv/bin/python -m fleet processes $(TARGET_DIR)/release/$(NAME)

.PHONY: fleet-model
fleet-model: ## the same with 10 to 10,000 environments under simulated time (seconds)
	$(CARGO) build --locked --features yardstick --bin fleet-model
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=benches benches/python -m fleet model $(TARGET_DIR)/debug/fleet-model
