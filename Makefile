# Everything from a bare checkout: needs Python (3.11 to 3.14) and make, nothing else.
# Node comes into .venv as a wheel, tests bring PostgreSQL as a wheel, and Redis where there is one (Python 3.11, 3.12);
# only browser tests need Chromium.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# Where it is forbidden to keep compiled modules, each start compiles all of ours, and pytest all tests in each process.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
PORT ?= 8000
ARGS ?=
INSTALLED := .venv/.installed
NODE_MODULES := node_modules/.installed
VENDOR := console/static/vendor
PO := $(wildcard console/translations/*/LC_MESSAGES/*.po)
MO := $(PO:.po=.mo)
SAY := @printf '\n\033[1m== %s\033[0m\n'

.PHONY: help setup run test prove coverage bench check lint types imports unused templates scripts format revision wheel assets translations strings lock clean

help: ## Show this list
	@echo 'make <target>, where <target> is one of:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'PORT=9000 changes the port of run; ARGS="-k audit" is passed on to pytest.'

setup: $(INSTALLED) assets translations ## Install everything, start nothing

# The environment wins; without one this is a demo. An empty database is filled, except in production.
run: setup ## Serve the console with demo data on http://127.0.0.1:8000
	@export CONSOLE_ENV="$${CONSOLE_ENV:-demo}"; \
	export CONSOLE_BASE_URL="$${CONSOLE_BASE_URL:-http://127.0.0.1:$(PORT)}"; \
	printf '\n\033[1m== Preparing the database (%s)\033[0m\n' "$$CONSOLE_ENV"; \
	$(BIN)/console init-db; \
	if [ "$$CONSOLE_ENV" != production ]; then $(BIN)/console demo --seed 1 --if-empty; fi; \
	printf '\n\033[1m== Serving on %s  (Ctrl-C stops)\033[0m\n' "$$CONSOLE_BASE_URL"; \
	exec $(BIN)/console serve --port $(PORT)

test: setup ## Run every test, with seeded samples of the long proofs
	$(SAY) 'Testing: SQLite and a private PostgreSQL, Redis, Chromium; what is missing is skipped and said'
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

prove: setup ## Run the long proofs at full count; results go to docs/proofs.md
	$(SAY) 'Proving: full counts, this takes a while'
	@$(BIN)/python -m pytest --prove -n auto --dist worksteal --timeout=7200 $(ARGS)

# Not part of `make test`: counting lines and branches slows every test.
coverage: setup ## Run tests and count what they cover; pages are in var/coverage
	@$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term --cov-report=html:var/coverage $(ARGS)

bench: setup ## Measure against other programs; ARGS="lists --small 100" chooses one, the table goes to docs/performance.md
	@$(BIN)/python -m benchmarks $(or $(ARGS),--help)

check: lint types imports unused templates scripts ## Lint, formatting, types, import rules, unused code, templates, scripts

lint: $(INSTALLED)
	$(SAY) 'Lint and formatting'
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(SAY) 'Types'
	@$(BIN)/mypy

imports: $(INSTALLED)
	$(SAY) 'Import rules'
	@$(BIN)/lint-imports

unused: $(INSTALLED)
	$(SAY) 'Unused code'
	@mkdir -p var
	@$(BIN)/python -m tests.support.template_names > var/template_names.py
	@$(BIN)/vulture

templates: $(INSTALLED)
	$(SAY) 'Templates'
	@$(BIN)/djlint --lint --quiet templates

scripts: $(NODE_MODULES)
	$(SAY) 'Scripts'
	@$(BIN)/node node_modules/eslint/bin/eslint.js .

format: $(INSTALLED) ## Put the code into its format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

revision: setup ## Draft a schema revision from the models: MESSAGE="Add tags"
	@$(BIN)/python -m tests.support.revision "$(MESSAGE)"

# An earlier build/ would go into this one too.
wheel: setup ## Build the package into dist/, and next to it what it needs of requirements.lock
	$(SAY) 'Building the package'
	@rm -rf build dist
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 -c requirements.lock --generate-hashes \
		--no-header --no-emit-index-url -o dist/requirements.txt
	@ls dist

assets: $(VENDOR)/.copied ## Put the browser's files where we serve them

translations: $(MO) ## Compile the translations

strings: $(INSTALLED) ## Gather new texts into the translation files
	@mkdir -p var
	@$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext -k lazy_ngettext:1,2 -k lazy_pgettext:1c,2 --no-location -o var/messages.pot .
	@$(BIN)/pybabel -q update -i var/messages.pot -d console/translations --no-fuzzy-matching --no-wrap

lock: $(INSTALLED) ## Resolve the dependencies again, without an index address; each must have a wheel for each Python
	$(SAY) 'Resolving Python and browser packages'
	@$(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --upgrade -o requirements.lock
	@mkdir -p var
	@$(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 -c requirements.lock \
		--format pylock.toml -o var/pylock.toml
	@$(BIN)/python -m tests.support.wheels var/pylock.toml > requirements.wheels
	@$(BIN)/npm install --package-lock-only --ignore-scripts

clean: ## Remove what was installed and built; the data in var/ stays
	rm -rf .venv node_modules $(VENDOR) $(MO) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find console tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the targets above need; each is made once -----------------------------------------------------------------

$(INSTALLED): requirements.lock pyproject.toml setup.py
	@python=; for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python; do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$name"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'No Python 3.11 or newer was found. Install it (Debian, Ubuntu: apt-get install python3 python3-venv),'; \
		echo 'or name it: make PYTHON=/path/to/python3.11'; \
		exit 1; \
	fi; \
	printf '\n\033[1m== Python environment in .venv (%s)\033[0m\n' "$$("$$python" --version)"; \
	if [ ! -x $(BIN)/python ] && ! "$$python" -m venv .venv; then \
		rm -rf .venv; \
		echo 'This Python has no venv module (Debian: apt-get install python3-venv).'; \
		exit 1; \
	fi
	$(SAY) "Installing $$(grep -c '==' requirements.lock) locked Python packages, a minute or two"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(NODE_MODULES): package-lock.json package.json .npmrc | $(INSTALLED)
	$(SAY) 'Installing browser packages'
	@$(BIN)/npm ci --ignore-scripts --loglevel=error
	@touch $@

$(VENDOR)/.copied: $(NODE_MODULES) Makefile tests/support/document_fonts.py
	@mkdir -p $(VENDOR)/inter
	@cp node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2 $(VENDOR)/inter/
	@cp node_modules/@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2 $(VENDOR)/inter/
	@$(BIN)/pyftsubset node_modules/@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2 --flavor=woff2 \
		--unicodes=U+0106-0107,U+010C-010D,U+0110-0111,U+0160-0161,U+017D-017E --layout-features='*' \
		--output-file=$(VENDOR)/inter/inter-serbian-wght-normal.woff2
	@$(BIN)/python -m tests.support.document_fonts node_modules/@fontsource-variable/inter/files $(VENDOR)/inter
	@cp node_modules/socket.io-client/dist/socket.io.esm.min.js $(VENDOR)/
	@cp node_modules/htmx.org/dist/htmx.min.js node_modules/idiomorph/dist/idiomorph-ext.min.js $(VENDOR)/
	@touch $@

%.mo: %.po | $(INSTALLED)
	@echo "Compiling $<"
	@$(BIN)/pybabel -q compile -i $< -o $@
