# The Lambda layers: built, checked against their budgets, started by Lambda's emulator. Included by
# the Makefile.

NAME := parameters-secrets-extension
LAYERS := dist/$(NAME)-x86_64.zip dist/$(NAME)-arm64.zip
# What people publish with, and what their security team asks for beside it.
SUMS := dist/SHA256SUMS
WRITE_SUMS = cd dist && find . -maxdepth 1 -name '$(NAME)-*' -type f -printf '%P\n' | sort | xargs sha256sum > $(notdir $(SUMS))
# As Docker calls the architectures; its build finds the programs in dist by that.
DOCKER_ARCHITECTURE = $(subst x86_64,amd64,$*)

.PHONY: layer layer-x86_64 layer-arm64
layer-arm64: ## the layer for arm64, with an SBOM (a quarter of an hour on two processors)
layer-x86_64: ## the same for x86_64
layer: layer-x86_64 layer-arm64 ## both Lambda layers (half an hour, 2 GB), with SBOMs and sums, checked against budgets
	layer/check $(LAYERS)

layer-x86_64 layer-arm64: layer-%:
	mkdir -p dist
	program=$$(layer/build $*); \
	triple=$$(basename "$$(dirname "$$(dirname "$$program")")"); \
	layer/licences "$$triple" > dist/$(NAME)-$*.licences; \
	layer/pack "$$program" dist/$(NAME)-$*.licences dist/$(NAME)-$*.zip; \
	rm dist/$(NAME)-$*.licences; \
	layer/sbom "$$triple" > dist/$(NAME)-$*.cdx.json
	$(WRITE_SUMS)

.PHONY: layer-check
layer-check: tools ## start both layers with Lambda's emulator, arm64 through qemu; check budgets, symbols, examples
	cd dist && sha256sum --check --quiet $(notdir $(SUMS))
	layer/check $(LAYERS)
	tools/install-layer qemu
	layer/start-under-the-emulator $(LAYERS)

.PHONY: layer-check-x86_64
layer-check-x86_64: layer-x86_64 tools ## the same for the x86_64 layer alone, built first: what CI runs
	layer/check dist/$(NAME)-x86_64.zip
	layer/start-under-the-emulator dist/$(NAME)-x86_64.zip

.PHONY: layer-static layer-static-x86_64 layer-static-arm64
layer-static: layer-static-x86_64 layer-static-arm64 ## the program for any image: static, with musl; see layer/Containerfile

layer-static-x86_64 layer-static-arm64: layer-static-%: ## one architecture's
	program=$$(layer/build $*-static); \
	folder=dist/static-$(DOCKER_ARCHITECTURE); \
	mkdir -p "$$folder"; \
	cp "$$program" "$$folder/"; \
	triple=$$(basename "$$(dirname "$$(dirname "$$program")")"); \
	layer/licences "$$triple" > "$$folder/licences.txt"; \
	layer/sbom "$$triple" > dist/$(NAME)-$*-static.cdx.json; \
	tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		--directory "$$folder" $(NAME) licences.txt | \
		gzip --no-name --best > dist/$(NAME)-$*-static.tar.gz
	$(WRITE_SUMS)
	layer/check-static $*

.PHONY: layer-static-check
layer-static-check: tools ## start the static programs in a root that has nothing but them
	tools/install-layer qemu
	layer/start-in-an-empty-root dist/static-amd64/$(NAME) dist/static-arm64/$(NAME)

.PHONY: layer-static-check-x86_64
layer-static-check-x86_64: layer-static-x86_64 tools ## the same for the x86_64 program alone, built first
	layer/start-in-an-empty-root dist/static-amd64/$(NAME)

.PHONY: layer-image
layer-image: layer-static-x86_64 ## the image of the program alone, for x86_64, by docker, podman or buildah
	$(or $(firstword $(shell command -v docker podman buildah)),docker) build --platform linux/amd64 --file layer/Containerfile --tag $(NAME) dist

.PHONY: layer-reproducible
layer-reproducible: ## build the x86_64 layer again, in another folder and from nothing: the same bytes?
	layer/build-again x86_64 dist/$(NAME)-x86_64.zip

.PHONY: layer-examples
layer-examples: ## check the examples (SAM, CDK, Terraform, ECS, Kubernetes, systemd) with their own tools
	tools/install-layer examples
	.tools/examples/bin/python layer/examples/check
	.tools/examples/bin/python examples/check

.PHONY: bench-start
bench-start: layer-x86_64 tools ## how soon a function can start, beside yardsticks; writes docs/startup.md
	tools/install-layer zig go
	benches/start/run dist/$(NAME)-x86_64.zip
