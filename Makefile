# The commands of this repository. Each one sets up what it needs, asks nothing and needs no terminal.
#   make install   .venv/bin/daypass, ready to serve        make demo [EXIT=1]   the guided run on a real PostgreSQL
#   make web       the web app, where it changed           make screenshots     pictures of its pages for the docs
#   make test      every test (installs real servers)       make check           format, lint, types, imports
#   make bench     ratios to direct, HAProxy and pgbouncer  make soak            200 crash points, many odd requests
#   make mutate    change the verifier, see that its tests notice
#   make audit     known vulnerabilities                    make sbom            what is in it (CycloneDX, build/)
#   make lock      write the lock files anew

SHELL := /bin/bash
BIN := .venv/bin
.DEFAULT_GOAL := install
.PHONY: install web screenshots dev demo test check format bench soak audit sbom mutate lock clean

install: .venv/.installed .venv/.compiled web
dev: .venv/.dev .venv/.compiled

.venv/.installed: requirements.lock pyproject.toml scripts/install
	scripts/install requirements.lock
	touch $@

COMPILED := $(shell sed -n 's|^    \(daypass/.*\.py\)$$|src/\1|p' scripts/compile)
.venv/.compiled: $(COMPILED) scripts/compile | .venv/.installed
	scripts/compile
	touch $@

BUILT := src/daypass/api/built/index.html
UI := $(shell find ui -path ui/node_modules -prune -o -path ui/src/client -prune -o -name openapi.json -prune -o -type f -print)
web: $(BUILT)
$(BUILT): $(UI) scripts/web scripts/openapi | .venv/.installed
	scripts/web

.venv/.dev: requirements-dev.lock .venv/.installed
	scripts/install requirements-dev.lock
	touch $@

demo: install
	$(BIN)/daypass demo $(if $(EXIT),--exit)

NODE_PARTS := tests/servers/oidc/node_modules/.package-lock.json tests/ledger/sigstore/node_modules/.package-lock.json
$(NODE_PARTS): %/node_modules/.package-lock.json: %/package-lock.json
	@command -v npm >/dev/null || { echo "missing: npm. Run, as root:  apt-get install -y nodejs npm" >&2; exit 1; }
	cd $* && npm ci --no-audit --no-fund
	touch $@

test: dev $(NODE_PARTS) web
	scripts/parts postgresql postgresql-client rsyslog chromium
	scripts/web test
	$(BIN)/python $(if $(TESTS),-m pytest $(TESTS),scripts/suite)

screenshots: dev web
	scripts/parts postgresql postgresql-client chromium
	$(BIN)/python scripts/screenshots

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/web types

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	scripts/web format

bench: dev
	scripts/parts postgresql postgresql-client haproxy pgbouncer
	$(BIN)/python -m bench.postgres $(BENCH)

soak: dev
	scripts/parts postgresql postgresql-client
	DAYPASS_CRASH_POINTS=200 DAYPASS_EXAMPLES=50 $(BIN)/python -m pytest --timeout=3600 tests/e2e/test_crash.py \
		tests/e2e/test_forgetful.py tests/e2e/test_ledger_crash.py tests/api/test_schemathesis.py

mutate: dev
	$(BIN)/python scripts/mutate

# Apart from CI, as a new advisory must not stop work. Fails with 1 where something is vulnerable, and with 2 where only
# the advisory services could not be reached.
audit: dev
	$(BIN)/python scripts/audit ui $(NODE_PARTS:%/node_modules/.package-lock.json=%)

# CycloneDX, validated as it is written: what is installed with the program, and what the web app is built from.
sbom: dev
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
		--sv 1.6 --of JSON --validate -o build/sbom-python.json requirements.lock
	cd ui && npm sbom --package-lock-only --sbom-format cyclonedx --sbom-type application > ../build/sbom-web.json
	$(BIN)/python scripts/sbom_check build/sbom-python.json build/sbom-web.json


lock: dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
