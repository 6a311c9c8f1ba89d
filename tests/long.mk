# What takes too long for every change: fuzzing, mutation testing, soaking. Included by the
# Makefile.

CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := .tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)
FUZZ_TARGETS := $(sort $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs))))
FUZZ_DIR := $(TARGET_DIR)/fuzz

# For each target.
FUZZ_SECONDS ?= 60

SOAK_MINUTES ?= 60
SOAK_SECONDS ?= $(shell expr $(SOAK_MINUTES) '*' 60)

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) $(FUZZ_TARGETS:%=fuzz-%) ## each fuzz target for FUZZ_SECONDS=60; the first time all is built, instrumented

# cargo-fuzz wants flags that a stable compiler takes only so. There is no unsafe code of ours: no
# sanitizer. What is found beyond the kept corpus stays in the target folder.
.PHONY: $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(CARGO_FUZZ)
	mkdir -p $(FUZZ_DIR)/corpus/$*
	RUSTC_BOOTSTRAP=1 $(CARGO_FUZZ)/bin/cargo-fuzz fuzz run --sanitizer none --target-dir $(abspath $(FUZZ_DIR)) $* \
		$(abspath $(FUZZ_DIR)/corpus/$*) $(abspath fuzz/corpus/$*) -- \
		-max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 -verbosity=0 -print_final_stats=1

$(CARGO_FUZZ):
	$(CARGO) install --quiet --locked --root $@ cargo-fuzz@$(CARGO_FUZZ_VERSION)

.PHONY: mutants
mutants: ## which mutants of the deciding parts the tests catch; writes docs/mutants.md (half an hour)
	tests/mutants/run

.PHONY: soak
soak: ## SOAK_MINUTES=60 of simulated months: freezes, outages, throttling, restores, from a seed
	SOAK_SECONDS=$(SOAK_SECONDS) $(CARGO) test --locked --test suite soak:: -- --nocapture

.PHONY: soak-real
soak-real: bench-build tools ## the release program under load with faults; writes docs/soak.md (10 minutes)
	PYTHONDONTWRITEBYTECODE=1 tests/end_to_end/sandbox .tools/venv/bin/python tests/soak/real.py \
		$(TARGET_DIR)/layer/extensions/$(NAME)
